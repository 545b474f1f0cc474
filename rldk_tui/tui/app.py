"""The terminal app: puts the feed, the screens and the keys together."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from rldk_tui.tui.cells import Page
from rldk_tui.tui.child import Ask, ask_rldk
from rldk_tui.tui.feed import Feed, Poll
from rldk_tui.tui.messages import FeedFailed, HealthUpdated, Waiting
from rldk_tui.tui.pages.help import help_page
from rldk_tui.tui.pages.not_evaluated import not_evaluated_page
from rldk_tui.tui.screens.checkpoints import CheckpointsScreen
from rldk_tui.tui.screens.main import MainScreen
from rldk_tui.tui.screens.page import PageScreen
from rldk_tui.tui.screens.view_screen import ViewScreen
from rldk_tui.tui.view import View
from rldk_tui.tui.widgets.scroll_view import ScrollView

_THEMES = ("textual-dark", "textual-light", "ansi-dark", "ansi-light")
_REPORT = "import sys; from rldk_tui.cli import main; sys.exit(main())"


class MonitorApp(App[None]):
    """Watches one run. Without a `poll` it shows what is posted to it."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", show=False),
        Binding("ctrl+c", "quit", show=False, priority=True),
        Binding("question_mark", "help", show=False),
        Binding("u", "not_evaluated", show=False),
        Binding("space", "hold", show=False),
        Binding("4", "checkpoints", show=False),
        Binding("t", "next_theme", show=False),
        Binding("r", "report", show=False),
    ]

    def __init__(
        self,
        poll: Poll | None = None,
        *,
        title: str = "",
        interval: float = 1.0,
        ascii: bool = False,  # noqa: A002
        ask: Ask = ask_rldk,
    ) -> None:
        colourless = bool(os.environ.get("NO_COLOR"))
        super().__init__(ansi_color=True if colourless else None)
        if colourless:
            self.theme = "ansi-dark"
        self._main = MainScreen(title, ascii=ascii)
        self._ascii = ascii
        self._ask = ask
        self._feed = None if poll is None else Feed(poll, self.post_message, interval)
        self._view: View | None = None
        self._held = False
        self._checkpoints: CheckpointsScreen | None = None
        self.failure: BaseException | None = None

    def on_mount(self) -> None:
        """Show the first frame; only then look at the run."""
        for ending in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(ending, self.exit)
        self.push_screen(self._main)
        if self._feed is not None:
            self.call_after_refresh(self._feed.start)

    def on_unmount(self) -> None:
        """Stop looking."""
        if self._feed is not None:
            self._feed.stop()

    def on_health_updated(self, message: HealthUpdated) -> None:
        """Show the run as it stands."""
        if self._held:
            return
        self._view = message.view
        self._main.show(message.view)
        for screen in self.screen_stack:
            if isinstance(screen, ViewScreen):
                screen.show(message.view)
        if self._checkpoints is not None and self._checkpoints not in self.screen_stack:
            self._checkpoints.show(message.view)

    def on_waiting(self, message: Waiting) -> None:
        """There is no run yet."""
        self._main.wait(message.seconds)

    def on_feed_failed(self, message: FeedFailed) -> None:
        """End; `run_monitor` raises what happened once the terminal is itself again."""
        self.failure = message.failure
        self.exit()

    def on_scroll_view_opened(self, message: ScrollView.Opened) -> None:
        """Put the page of a line on top."""
        self._open(message.page)

    def _open(self, page: Page) -> None:
        if self._view is not None and not isinstance(self.screen, PageScreen):
            self.push_screen(PageScreen(page, self._view, ascii=self._ascii))

    def action_help(self) -> None:
        """Keys and signs."""
        self._open(help_page())

    def action_not_evaluated(self) -> None:
        """What is not known of the run."""
        self._open(not_evaluated_page())

    def action_checkpoints(self) -> None:
        """The run's checkpoints. The screen stays when it is left, for an analysis may run."""
        if self._view is None or isinstance(self.screen, ViewScreen):
            return
        if self._checkpoints is None:
            self._checkpoints = CheckpointsScreen(self._view, ascii=self._ascii, ask=self._ask)
            self.install_screen(self._checkpoints, "checkpoints")
        self.push_screen(self._checkpoints)

    def action_hold(self) -> None:
        """Hold the screen still, or go on."""
        self._held = not self._held
        self._main.hold(held=self._held)
        if self._feed is not None:
            self._feed.pause(paused=self._held)

    def action_next_theme(self) -> None:
        """Dark, light, and the terminal's own colours."""
        at = _THEMES.index(self.theme) if self.theme in _THEMES else -1
        self.theme = _THEMES[(at + 1) % len(_THEMES)]

    def action_report(self) -> None:
        """Write the report in a child process, so that the monitor never carries what it needs."""
        if self._view is not None:
            self.notify("writing the report …", markup=False)
            self.run_worker(self._write_report(str(self._view.health.directory)), exclusive=True)

    async def _write_report(self, directory: str) -> None:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _REPORT,
            "report",
            directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complaint = (part.decode(errors="replace").strip() for part in await child.communicate())
        if child.returncode == 0:
            self.notify(said, title="Report written", timeout=15, markup=False)
        else:
            last = (complaint or said or f"rldk report ended with status {child.returncode}").splitlines()[-1]
            self.notify(last, title="No report", severity="error", timeout=15, markup=False)


def run_monitor(poll: Poll, *, title: str, interval: float = 1.0, ascii: bool | None = None) -> None:  # noqa: A002
    """Open the monitor and stay until it is quit.

    Raises:
        UserError: if what `poll` looks at is no run; the terminal is itself again by then.
    """
    from rldk_tui.tui.terminal import ascii_only

    app = MonitorApp(poll, title=title, interval=interval, ascii=ascii_only() if ascii is None else ascii)
    app.run()
    if app.failure is not None:
        raise app.failure
