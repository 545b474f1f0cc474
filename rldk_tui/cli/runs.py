"""`rldk runs`: a folder of runs, a line each."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rldk_tui.cli.output import complain, say
from rldk_tui.errors import UserError

if TYPE_CHECKING:
    from rldk_tui.summary.runs import RunRow

_PIPED, _ROOMY = 120, 100
"""Columns where there is no terminal, and from which on there is room for all."""
_FIXED = 2 + 8 + 1 + 13 + 2 + 8 + 1 + 1 + 6
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
    from msgspec.structs import asdict

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
            told = asdict(row)
            del told["curve"]  # what the monitor draws
            say(encode(told).decode())
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
    return sorted(rows, key=lambda row: -row.last_sign)


def _lines(rows: list[RunRow]) -> Iterator[str]:
    """A heading and a line a run; in a narrow terminal without the algorithm, and the names are cut."""
    from rldk_tui.charts.format import age, count
    from rldk_tui.charts.text import one_line

    now = time.time()
    columns = shutil.get_terminal_size((_PIPED, 24)).columns
    roomy = columns >= _ROOMY
    worst_wide, algorithm_wide = (28, 11) if roomy else (20, 0)
    name_wide = max(8, min(40, max(len(one_line(row.name)) for row in rows), columns - _FIXED - worst_wide - algorithm_wide))

    def laid_out(name: str, state: str, algorithm: str, step: str, score: str, worst: str, since: str) -> str:
        shown = f"{_cut(name, name_wide):<{name_wide}}  {state:<8} {algorithm[:algorithm_wide]:<{algorithm_wide}}"
        return f"{shown}{step:>13}  {score:<8} {_cut(worst, worst_wide):<{worst_wide}} {since}"

    yield laid_out("run", "state", "algorithm", "step", "score", "worst finding", "last word" if roomy else "last")
    for row in rows:
        name = one_line(row.name)
        if row.problem:
            yield f"{_cut(name, name_wide):<{name_wide}}  cannot be read: {one_line(row.problem)}"
            continue
        step = count(row.step) if row.step is not None else "–"
        goal = f"{step}/{count(row.max_steps)}" if row.max_steps else step
        score = row.grade if row.value is None else f"{row.grade:<3}{row.value:.2f}"
        others = sum(row.opened.values()) - 1
        more = f" (+{others})" if others > 0 else ""
        worst = f"{_cut(row.worst, worst_wide - len(more))}{more}" if row.worst else "none"
        since = age(max(0.0, now - row.last_sign))
        yield laid_out(name, row.state.value if row.state else "–", row.algorithm, goal, score, worst, since)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
