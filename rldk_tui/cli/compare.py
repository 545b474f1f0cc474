"""`rldk compare`: runs side by side."""

from __future__ import annotations

import argparse
from pathlib import Path

from rldk_tui.cli.output import complain, say
from rldk_tui.cli.stages import stages
from rldk_tui.errors import UserError


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer it."""
    compare = verbs.add_parser("compare", help="runs side by side: which is better, and is that more than noise")
    compare.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="the others are compared with the first")
    compare.add_argument("--by", choices=("step", "tokens"), default="step", help="what the runs are aligned by (step)")
    compare.add_argument("--metric", metavar="NAME", help="what decides which is better (what the trainer is there to raise)")
    compare.add_argument("--json", action="store_true", help="everything, for programs")
    compare.add_argument("-o", "--output", metavar="DIR", type=Path, help="write comparison.html and comparison.json there")
    compare.add_argument("--pdf", action="store_true", help="write comparison.pdf there too")
    compare.add_argument("--title", help="the page's title")
    compare.set_defaults(verb=_compare)


def _compare(arguments: argparse.Namespace) -> int:
    from rldk_tui.charts.text import one_line
    from rldk_tui.comparison import Axis, compare
    from rldk_tui.session import RunSession

    if arguments.pdf and arguments.output is None:
        raise UserError("The PDF needs a place.", "rldk compare A B --pdf -o DIR")
    with stages() as shown:
        runs = []
        for path in arguments.runs:
            shown.begin(f"Reading {one_line(path.absolute().name)}")
            runs.append(RunSession.open(path).poll(far=shown.far))
        shown.begin("Comparing")
        comparison = compare(runs, Axis(arguments.by), arguments.metric)
    if arguments.json:
        from rldk_tui.comparison.objects import comparison_object
        from rldk_tui.summary import to_json

        say(to_json(comparison_object(comparison)))
    else:
        from rldk_tui.comparison.prose import as_text

        say(as_text(comparison))
    if arguments.output is not None:
        from rldk_tui.report.comparison.build import build_comparison

        written = build_comparison(comparison, arguments.output, pdf=arguments.pdf, title=arguments.title)
        for path in written.all():
            complain(str(path))
    return 0
