"""A run's generations as scripts and people at a shell ask for them: `rldk generations`, `rldk export --generations`.

`fields` names what can be asked for, `condition` reads what is asked, `select` finds it in the lazy table of
`ingest.generations_table`; `objects` says it as JSON, `tui.generation_lines` as text; `difference` puts two texts against each
other, `write` makes a file of a table.
polars is imported by these modules alone, never by this package's door.
"""
