"""`rldk runs`: a folder of runs, a line each."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rldk_tui.cli.output import complain, say
from rldk_tui.errors import UserError

if TYPE_CHECKING:
    from rldk_tui.summary.runs import RunRow

_ORDERS = ("time", "name", "score")


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer it."""
    verb = verbs.add_parser("runs", help="the runs of a folder: how far, how healthy, what is wrong")
    verb.add_argument("folder", type=Path, nargs="?", default=Path("runs"), help="a folder of runs (./runs)")
    verb.add_argument("--sort", choices=_ORDERS, default="time", help="newest first, by name, or the worst score first (time)")
    verb.add_argument("--json", action="store_true", help="a JSON object a line, each as soon as it is known")
    verb.set_defaults(verb=_runs)


def _runs(arguments: argparse.Namespace) -> int:
    from msgspec.json import encode

    from rldk_tui.ingest import is_run
    from rldk_tui.summary.runs import index

    folder: Path = arguments.folder
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder.", "Give the folder your runs lie in: rldk runs DIR")
    if is_run(folder):
        raise UserError(f"{folder} is a run itself.", f"rldk check {folder}")
    found: list[RunRow] = []
    for row in index(folder):
        found.append(row)
        if arguments.json:
            say(encode(row).decode())
        elif sys.stderr.isatty():
            complain(f"\r\033[K{len(found)} runs read …\033[A")
    if not found:
        raise UserError(f"{folder} holds no run.", "Looked for logs of a training in its folders and in theirs.")
    if not arguments.json:
        if sys.stderr.isatty():
            complain("\r\033[K\033[A")
        say("\n".join(_lines(_sorted(found, arguments.sort))))
    return 0


def _sorted(rows: list[RunRow], order: str) -> list[RunRow]:
    if order == "name":
        return rows
    if order == "score":
        return sorted(rows, key=lambda row: (row.value is None, row.value or 0.0))
    return sorted(rows, key=lambda row: -(row.changed_at or row.stamp.newest / 1e9))


def _lines(rows: list[RunRow]) -> Iterator[str]:
    from rldk_tui.charts.format import age, count
    from rldk_tui.charts.text import one_line

    now = time.time()
    wide = min(40, max(len(one_line(row.name)) for row in rows))
    yield f"{'run':<{wide}}  {'state':<9} {'algorithm':<10} {'step':>15}  {'score':<9} {'worst finding':<28} {'last word'}"
    for row in rows:
        name = one_line(row.name)
        name = name if len(name) <= wide else f"{name[: wide - 1]}…"
        if row.problem:
            yield f"{name:<{wide}}  cannot be read: {one_line(row.problem)}"
            continue
        step = count(row.step) if row.step is not None else "–"
        goal = f"{step}/{count(row.max_steps)}" if row.max_steps else step
        score = row.grade if row.value is None else f"{row.grade:<3}{row.value:.2f}"
        others = sum(row.opened.values()) - 1
        worst = f"{row.worst}{f' (+{others})' if others > 0 else ''}" if row.worst else "none"
        since = age(max(0.0, now - (row.changed_at or row.stamp.newest / 1e9)))
        yield f"{name:<{wide}}  {row.state.value:<9} {row.algorithm:<10} {goal:>15}  {score:<9} {worst:<28} {since}"
