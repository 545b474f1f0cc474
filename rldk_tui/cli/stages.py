"""What a long command is doing just now, on standard error, for whoever waits at a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rldk_tui.charts.format import size
from rldk_tui.report.stages import SILENT, Stages

if TYPE_CHECKING:
    from rich.progress import Progress


class _Bar:
    """One line: what is done, how far where that is known, and since when."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None, far="")

    def begin(self, what: str) -> None:
        self._progress.update(self._task, description=what, completed=0, total=None, far="")

    def far(self, done: int, whole: int) -> None:
        self._progress.update(self._task, completed=done, total=whole, far=f"{size(done)} of {size(whole)}")


@contextmanager
def stages() -> Iterator[Stages]:
    """Show them while they last; nothing is printed where standard error is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield SILENT
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[far]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bar(progress)
