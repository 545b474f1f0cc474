"""From a path to a monitor: a run, a replay of one, or the list of a folder's runs and from there to one and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rldk_tui.tui.app import run_monitor
from rldk_tui.tui.feed import Poll, opening
from rldk_tui.tui.options import MonitorOptions

if TYPE_CHECKING:
    from rldk_tui.session import RunHealth


def watch(
    path: Path,
    options: MonitorOptions,
    *,
    replay: float | None = None,
    newest: bool = False,
    ascii: bool | None = None,  # noqa: A002
) -> None:
    """Stay until it is quit.

    Raises:
        UserError: if there is nothing to watch at the path; the terminal is itself again by then.
    """
    if replay is not None:
        poll, options = _replaying(path, replay, options)
        run_monitor(poll, title=str(path), ascii=ascii, options=options)
        return
    if run_monitor(opening(path, newest=newest), title=str(path), ascii=ascii, options=options) != "index":
        return
    from rldk_tui.tui.index_app import run_index
    from rldk_tui.tui.runs_index import RunsIndex

    index = RunsIndex(path)
    while (chosen := run_index(index, options, ascii=ascii)) is not None:
        back = run_monitor(opening(chosen), title=str(chosen), ascii=ascii, options=replace(options, indexed=True))
        if back != "index":
            return


def _replaying(path: Path, speed: float, options: MonitorOptions) -> tuple[Poll, MonitorOptions]:
    """A look at a replay that is opened with the first one, and options that steer it."""
    from rldk_tui.replay import Replay

    opened: list[Replay] = []

    def poll() -> RunHealth | None:
        if not opened:
            opened.append(Replay(path, speed))
        return opened[0].poll()

    def seek(share: float) -> None:
        for played in opened:
            played.seek(share)

    def pause(paused: bool) -> None:
        for played in opened:
            played.pause(paused=paused)

    return poll, replace(options, seek=seek, pause=pause)
