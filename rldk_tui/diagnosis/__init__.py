"""Snapshot in, findings out.

`rule` is the contract of a rule, `rules/` holds them, one file each, found by a walk of the folder (and of the entry
points `rldk_tui.rules`). `episodes` turns the state of each row into stretches of trouble, `engine` runs every rule over
what is new. To add a rule: one file in `rules/`; its name in kebab-case is its id.
"""
