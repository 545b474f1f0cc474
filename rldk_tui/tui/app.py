"""The terminal app: shows its first frame at once, then loads everything else and hands it what the feed tells.

This module and what it imports are all that the first frame waits for: no NumPy, no reader, no screen but an empty one.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from rldk_tui.charts.text import one_line, to_ascii
from rldk_tui.tui.feed import Feed, FolderOfRunsError, Poll
from rldk_tui.tui.messages import FeedFailed, HealthUpdated, Loaded, Repointed, Waiting
from rldk_tui.tui.options import MonitorOptions
from rldk_tui.tui.themes import register_themes

if TYPE_CHECKING:
    from textual.command import Provider
    from textual.notifications import SeverityLevel

    from rldk_tui.tui.child import Ask
    from rldk_tui.tui.desk import Desk
    from rldk_tui.tui.view import View
    from rldk_tui.tui.widgets.scroll_view import ScrollView


def _palette() -> type[Provider]:
    """Imported when it is asked for: it costs the first frame nothing."""
    from rldk_tui.tui.palette import RunCommands

    return RunCommands


def _load() -> None:
    """Import what the screens need, in whatever thread calls."""
    import rldk_tui.tui.desk  # noqa: F401


class MonitorApp(App[str]):
    """Watches one run. Without a `poll` it shows what is posted to it. Its result is "index" when that was asked for.

    Attributes:
        desk: The screens; None while they are loaded.
        failure: What ended the feed.
    """

    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_palette}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", show=False),
        Binding("ctrl+c", "quit", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", show=False),
        Binding("question_mark", "do('help')", show=False),
        Binding("u", "do('not_evaluated')", show=False),
        Binding("space", "hold", show=False),
        Binding("4", "do('checkpoints')", show=False),
        Binding("5", "do('config')", show=False),
        Binding("w", "do('learning')", show=False),
        Binding("s", "do('generations')", show=False),
        Binding("t", "do('next_theme')", show=False),
        Binding("r", "do('report')", show=False),
        Binding("c", "do('copy')", show=False),
        Binding("e", "do('export')", show=False),
        Binding("S", "do('safe_stop')", show=False),
        Binding("less_than_sign", "seek(-0.1)", show=False),
        Binding("greater_than_sign", "seek(0.1)", show=False),
    ]
    DEFAULT_CSS = "#first { padding: 1 2; }"
    CSS = ".ascii Toast { border-left: ascii $border; } ToastRack { scrollbar-size: 0 0; }"

    def __init__(
        self,
        poll: Poll | None = None,
        *,
        title: str = "",
        ascii: bool = False,  # noqa: A002
        ask: Ask | None = None,
        options: MonitorOptions | None = None,
    ) -> None:
        colourless = bool(os.environ.get("NO_COLOR"))
        super().__init__(ansi_color=True if colourless else None)
        register_themes(self)
        if colourless:
            self.theme = "ansi-dark"
        self.options = options or MonitorOptions()
        self._run = title
        self._ascii = ascii
        self.set_class(ascii, "ascii")
        self._ask = ask
        self._feed = None if poll is None else Feed(poll, self.post_message, self.options, first=self._load_beside)
        self._held = False
        self.desk: Desk | None = None
        self.failure: BaseException | None = None

    def compose(self) -> ComposeResult:
        """The first frame."""
        yield Static(f"reading {one_line(self._run)} {'...' if self._ascii else '…'}", id="first", markup=False)

    def on_mount(self) -> None:
        """Show the first frame; only then load, and look at the run."""
        for ending in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(ending, self.exit)
        if self._feed is not None:
            self.call_after_refresh(self._feed.start)
        else:
            _load()
            self.on_loaded()

    def on_unmount(self) -> None:
        """Stop looking, and keep how the run was left."""
        if self._feed is not None:
            self._feed.stop()
        if self.desk is not None:
            self.desk.keep()

    def _load_beside(self) -> None:
        _load()
        self.post_message(Loaded())

    def on_loaded(self) -> None:
        """Everything is there: show what was told meanwhile."""
        from rldk_tui.tui.child import ask_rldk
        from rldk_tui.tui.desk import Desk

        self.desk = Desk(self, self._run, ascii=self._ascii, ask=self._ask or ask_rldk)

    @property
    def view(self) -> View | None:
        """The run as it is shown; None before there is one."""
        return None if self.desk is None else self.desk.view

    def on_health_updated(self, message: HealthUpdated) -> None:
        """Show the run as it stands."""
        if self.desk is not None and not self._held:
            self.desk.health(message.view)

    def on_waiting(self, message: Waiting) -> None:
        """There is no run yet."""
        if self.desk is not None:
            self.desk.wait(message.seconds)

    def on_repointed(self, message: Repointed) -> None:
        """The link that was followed leads to another run now."""
        if self.desk is not None:
            self.desk.repointed(message.path, message.name)

    def on_feed_failed(self, message: FeedFailed) -> None:
        """End; `run_monitor` raises what happened once the terminal is itself again."""
        self.failure = message.failure
        self.exit()

    def on_scroll_view_opened(self, message: ScrollView.Opened) -> None:
        """Put the page of a line on top."""
        if self.desk is not None:
            self.desk.open(message.page)

    def action_do(self, what: str) -> None:
        """One of the desk's deeds, by name."""
        if self.desk is not None:
            getattr(self.desk, what)()

    def action_hold(self) -> None:
        """Hold the screen still, or go on; a replay stands still itself."""
        self._held = not self._held
        if self.desk is not None:
            self.desk.held(held=self._held)
        if self._feed is not None:
            self._feed.pause(paused=self._held)

    def action_seek(self, share: float) -> None:
        """Go on or back in a replay, by a share of the run."""
        if self._feed is not None and self.options.seek is not None:
            self.options.seek(share)
            self._feed.look()

    def action_command_palette(self) -> None:
        """Everything by name."""
        from rldk_tui.tui.palette import RunPalette

        if not isinstance(self.screen, RunPalette):
            self.push_screen(RunPalette(ascii=self._ascii))

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Textual's toast, in the characters that the terminal has."""
        if self._ascii:
            message, title = to_ascii(message, cell_len), to_ascii(title, cell_len)
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    async def action_quit(self) -> None:
        """Leave; the training is never touched."""
        self.exit()

    def write_terminal(self, sequence: str) -> None:
        """Hand a sequence to the terminal between two frames."""
        if self._driver is not None:
            self._driver.write(sequence)


def run_monitor(
    poll: Poll,
    *,
    title: str,
    ascii: bool | None = None,  # noqa: A002
    options: MonitorOptions | None = None,
) -> str | None:
    """Open the monitor and stay until it is quit.

    Returns:
        "index" if the list of runs was asked for.

    Raises:
        UserError: if what `poll` looks at is no run; the terminal is itself again by then.
    """
    from rldk_tui.tui.terminal import ascii_only

    chosen = options or MonitorOptions()
    app = MonitorApp(poll, title=title, ascii=ascii_only() if ascii is None else ascii, options=chosen)
    result = app.run(mouse=chosen.mouse)
    if isinstance(app.failure, FolderOfRunsError):
        return "index"
    if app.failure is not None:
        raise app.failure
    return result
