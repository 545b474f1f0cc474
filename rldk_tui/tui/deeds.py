"""What the monitor does beyond showing: copies, exports, reports, tells, and asks a training to stop."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rldk_tui.charts.text import one_line
from rldk_tui.events import Finding
from rldk_tui.tui.copying import harmless, osc52, written_copy
from rldk_tui.tui.tones import OVER
from rldk_tui.tui.view import View

if TYPE_CHECKING:
    from rldk_tui.tui.app import MonitorApp
    from rldk_tui.tui.child import Ask

_LONG = 15.0
"""Seconds a message stays that names a file."""


class Deeds:
    """Done for one app. What takes long is done by `rldk` in a process of its own."""

    def __init__(self, app: MonitorApp, ask: Ask) -> None:
        self._app = app
        self._ask = ask

    def copy(self, text: str) -> None:
        """To the terminal's clipboard and, since nobody can know whether it takes it, to a file."""
        text = harmless(text)
        self._app.write_terminal(osc52(text, os.environ))
        try:
            where = f"and to {written_copy(text)}"
        except OSError as failure:
            where = f"; no file could be written ({failure.strerror})"
        self._say(f"To the clipboard, if the terminal allows it, {where}", title="Copied")

    def export(self, view: View, metric: str | None) -> None:
        """One metric, or all of them, as CSV in the working directory."""
        from rldk_tui.tui.exporting import export_metrics

        try:
            place = export_metrics(view.health.snapshot, Path(), metric)
        except OSError as failure:
            self._say(f"{failure.strerror}", title="Nothing exported", wrong=True)
        else:
            self._say(str(place), title="Exported")

    def report(self, view: View | None) -> None:
        """Have the report written."""
        if view is not None:
            self._app.notify("writing the report …", markup=False)
            self._app.run_worker(self._told("Report", "report", str(view.health.directory.absolute())), exclusive=True)

    def safe_stop(self, view: View | None, *, ascii: bool) -> None:  # noqa: A002
        """Have the training asked to save a checkpoint and to stop, once that is confirmed."""
        from rldk_tui.tui.screens.confirm import ConfirmScreen

        if view is None:
            return
        name, state = one_line(view.health.snapshot.name, 60), view.health.snapshot.state
        if state in OVER:
            self._say(f"The training of {name} is over: {state.value}.", title="Nothing to stop")
            return
        question = (
            f"Ask the training of {name} to save a checkpoint and to stop?",
            "It is not signalled: RLDKCallback reads the request at the end of a step, saves and ends the training.",
        )
        run = str(view.health.directory.absolute())

        def decided(meant: bool | None) -> None:
            if meant:
                self._app.run_worker(self._told("Stop", "stop", run, "--yes", "--reason", "asked for in the monitor"))

        self._app.push_screen(ConfirmScreen(question, ascii=ascii), decided)

    def tell(self, finding: Finding, view: View) -> None:
        """Of a new critical finding: a toast, and what else was asked for."""
        options = self._app.options
        self._app.notify(finding.summary, title=f"Critical: {finding.rule}", severity="error", timeout=_LONG, markup=False)
        if options.bell:
            self._app.bell()
        if options.tell is not None:
            options.tell(finding, view.health)

    async def _told(self, what: str, *arguments: str) -> None:
        try:
            answer = await self._ask(*arguments)
        except OSError as failure:
            self._say(str(failure), title=f"{what}: no process", wrong=True)
            return
        if answer.failed:
            self._say(answer.sentence, title=f"{what}: not done", wrong=True)
        else:
            self._say(answer.said.decode(errors="replace").strip(), title=f"{what}: done")

    def _say(self, text: str, *, title: str, wrong: bool = False) -> None:
        shown: Any = "error" if wrong else "information"
        self._app.notify(text, title=title, severity=shown, timeout=_LONG, markup=False)
