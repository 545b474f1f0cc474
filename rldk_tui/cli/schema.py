"""`rldk schema`: what the formats promise."""

from __future__ import annotations

import argparse

from rldk_tui.cli.output import say


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer it."""
    schema = verbs.add_parser("schema", help="the JSON Schema of the event log, or of what a verb prints")
    schema.add_argument("what", choices=("events", "check", "report", "comparison", "watch", "checkpoints"))
    schema.set_defaults(verb=_schema)


def _schema(arguments: argparse.Namespace) -> int:
    import json

    if arguments.what == "events":
        from rldk_tui.events import json_schema as schema
    elif arguments.what == "watch":
        from rldk_tui.watch.schema import watch_schema as schema
    elif arguments.what == "report":
        from rldk_tui.report.schema import report_schema as schema
    elif arguments.what == "comparison":
        from rldk_tui.report.comparison.schema import comparison_schema as schema
    elif arguments.what == "checkpoints":
        from rldk_tui.summary.checkpoints import checkpoints_schema as schema
    else:
        from rldk_tui.summary import check_schema as schema
    say(json.dumps(schema(), indent=2))
    return 0
