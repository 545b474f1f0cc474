"""The feed without a screen, for cron jobs, service units, schedulers and agents.

`changes` compares one look at a run with the look before, `feed` opens the run and looks, `lines` and `schema` are the text
and JSON forms of a change, `notify` runs a command for each, `wait` sits between two looks. Floor: a face, beside `tui` and
`report`, above `summary`.
"""
