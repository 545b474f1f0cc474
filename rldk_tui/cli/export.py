"""`rldk export`: what a run left, as one table for other tools."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rldk_tui.cli.generations import add_selection, selection_of
from rldk_tui.cli.output import say
from rldk_tui.cli.run import RUN
from rldk_tui.errors import UserError

if TYPE_CHECKING:
    import polars as pl

_FORMATS = ("parquet", "csv", "jsonl")


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer it."""
    verb = verbs.add_parser("export", help="a run's generations as parquet, CSV or JSON lines")
    verb.add_argument("run", type=Path, help=RUN)
    what = verb.add_argument_group("what")
    what.add_argument("--generations", action="store_true", help="every generation that was recorded, a row each")
    verb.add_argument("--format", choices=_FORMATS, help="(that of FILE's ending, else parquet)")
    verb.add_argument("-o", "--output", metavar="FILE", type=Path, help="where to (./RUN-generations.FORMAT)")
    add_selection(verb)
    verb.set_defaults(verb=_export)


def _export(arguments: argparse.Namespace) -> int:
    if not arguments.generations:
        raise UserError("It was not said what to export.", "rldk export RUN --generations")
    from rldk_tui.ingest import locate
    from rldk_tui.summary.generations.select import filtered, open_generations

    run = locate(arguments.run)
    kind = _format_of(arguments)
    output: Path = arguments.output or Path(f"{run.resolve().name}-generations.{kind}")
    _check_place(output, run)
    table = filtered(open_generations(run), selection_of(arguments))
    say(f"{output}  {_write(table, output, kind)}")
    return 0


def _format_of(arguments: argparse.Namespace) -> str:
    """What was asked for, else what the file's ending says."""
    if arguments.format is not None:
        return str(arguments.format)
    ending = "" if arguments.output is None else arguments.output.suffix.lower().removeprefix(".")
    if ending in _FORMATS:
        return ending
    if ending:
        raise UserError(f"No format is known by the ending .{ending[:20]}.", f"--format {'|'.join(_FORMATS)}")
    return _FORMATS[0]


def _check_place(output: Path, run: Path) -> None:
    """A table among the run's logs would be read as one of them."""
    from rldk_tui.report.build import report_folder

    place = output.resolve()
    if place.is_relative_to(run.resolve()) and not place.is_relative_to(report_folder(run).resolve()):
        raise UserError(f"{output} lies in the run directory, whose files are read as logs.", "Name a place outside with -o.")


def _write(table: pl.LazyFrame, output: Path, kind: str) -> str:
    """Write the table beside its place and put it there at once; returns how much it holds."""
    from rldk_tui.charts.format import count
    from rldk_tui.summary.generations.write import written

    try:
        rows = written(table, output, kind)
    except OSError as failure:
        reason = failure.strerror or str(failure).split(" (os error")[0]
        raise UserError(f"{output} cannot be written: {reason}.", "Name another place with -o FILE.") from failure
    return f"{count(rows)} generation{'' if rows == 1 else 's'}"
