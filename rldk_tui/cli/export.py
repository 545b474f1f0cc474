"""`rldk export`: what a run left, as one table for other tools."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rldk_tui.cli.generations import add_selection, selection_of
from rldk_tui.cli.output import complain, say
from rldk_tui.cli.run import RUN
from rldk_tui.errors import UserError

if TYPE_CHECKING:
    import polars as pl

    from rldk_tui.run import RunSnapshot

_FORMATS = ("parquet", "csv", "jsonl")


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer it."""
    verb = verbs.add_parser("export", help="a run's metrics, or its generations, as parquet, CSV or JSON lines")
    verb.add_argument("run", type=Path, help=RUN)
    what = verb.add_argument_group("what (the metrics: a row a step)")
    what.add_argument("--generations", action="store_true", help="every generation that was recorded instead, a row each")
    verb.add_argument("--format", choices=_FORMATS, help="(that of FILE's ending, else csv; of generations parquet)")
    verb.add_argument("-o", "--output", metavar="FILE", type=Path, help="where to (csv and jsonl: printed; else ./RUN.FORMAT)")
    add_selection(verb)
    verb.set_defaults(verb=_export)


def _export(arguments: argparse.Namespace) -> int:
    from rldk_tui.ingest import locate

    run = locate(arguments.run)
    kind = _format_of(arguments, "parquet" if arguments.generations else "csv")
    return _generations(arguments, run, kind) if arguments.generations else _history(arguments.output, run, kind)


def _generations(arguments: argparse.Namespace, run: Path, kind: str) -> int:
    from rldk_tui.summary.generations.select import filtered, open_generations

    output: Path = arguments.output or Path(f"{run.resolve().name}-generations.{kind}")
    _check_place(output, run)
    table = filtered(open_generations(run), selection_of(arguments))
    return _written(table, output, kind, "generation")


def _history(output: Path | None, run: Path, kind: str) -> int:
    from rldk_tui.session import RunSession
    from rldk_tui.summary.history import history, lines

    place = output or (Path(f"{run.resolve().name}.parquet") if kind == "parquet" else None)
    if place is not None:
        _check_place(place, run)
    snapshot = RunSession.open(run).read()
    if not snapshot.metric_names():
        complain(f"rldk: no metric is logged in {run}.\n  What its files hold: rldk doctor {run}")
    if place is None:
        return _print(lines(snapshot) if kind == "jsonl" else [history(snapshot).write_csv().encode()])
    if kind == "jsonl":
        return _write_lines(snapshot, place)
    return _written(history(snapshot).lazy(), place, kind, "step")


def _print(parts: Iterable[bytes]) -> int:
    """To standard output, as bytes; a reader that leaves early is no error."""
    try:
        for part in parts:
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter fails once more when it flushes at its end
    return 0


def _write_lines(snapshot: RunSnapshot, output: Path) -> int:
    from rldk_tui.charts.format import count
    from rldk_tui.summary.history import lines
    from rldk_tui.summary.table_file import write_parts

    rows = _or_complain(output, lambda: write_parts(lines(snapshot), output))
    say(f"{output}  {count(rows)} step{'' if rows == 1 else 's'}")
    return 0


def _format_of(arguments: argparse.Namespace, usual: str) -> str:
    """What was asked for, else what the file's ending says."""
    if arguments.format is not None:
        return str(arguments.format)
    ending = "" if arguments.output is None else arguments.output.suffix.lower().removeprefix(".")
    if ending in _FORMATS:
        return ending
    if ending:
        raise UserError(f"No format is known by the ending .{ending[:20]}.", f"--format {'|'.join(_FORMATS)}")
    return usual


def _check_place(output: Path, run: Path) -> None:
    """A table among the run's logs would be read as one of them."""
    from rldk_tui.report.build import report_folder

    place = output.resolve()
    if place.is_relative_to(run.resolve()) and not place.is_relative_to(report_folder(run).resolve()):
        raise UserError(f"{output} lies in the run directory, whose files are read as logs.", "Name a place outside with -o.")


def _or_complain(output: Path, write: Callable[[], int]) -> int:
    try:
        return write()
    except OSError as failure:
        reason = failure.strerror or str(failure).split(" (os error")[0]
        raise UserError(f"{output} cannot be written: {reason}.", "Name another place with -o FILE.") from failure


def _written(table: pl.LazyFrame, output: Path, kind: str, what: str) -> int:
    """Write the table beside its place and put it there at once, and say how much it holds."""
    from rldk_tui.charts.format import count
    from rldk_tui.summary.table_file import written

    rows = _or_complain(output, lambda: written(table, output, kind))
    say(f"{output}  {count(rows)} {what}{'' if rows == 1 else 's'}")
    return 0
