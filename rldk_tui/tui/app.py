"""The terminal app: puts the feed, the screens and the keys together."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual.app import App
from textual.binding import Binding, BindingType

from rldk_tui.tui.cells import FindingPage, MetricPage, Page
from rldk_tui.tui.child import Ask, ask_rldk
from rldk_tui.tui.deeds import Deeds
from rldk_tui.tui.feed import Feed, Poll
from rldk_tui.tui.layout import fits
from rldk_tui.tui.messages import FeedFailed, HealthUpdated, Repointed, Waiting
from rldk_tui.tui.news import News
from rldk_tui.tui.options import MonitorOptions
from rldk_tui.tui.pages.config import config_page
from rldk_tui.tui.pages.help import help_page
from rldk_tui.tui.pages.learning import learning_page
from rldk_tui.tui.pages.not_evaluated import not_evaluated_page
from rldk_tui.tui.remembered import Remembered, recall, remember
from rldk_tui.tui.screens.chart import ChartScreen
from rldk_tui.tui.screens.checkpoints import CheckpointsScreen
from rldk_tui.tui.screens.finding import FindingScreen
from rldk_tui.tui.screens.main import MainScreen
from rldk_tui.tui.screens.page import PageScreen
from rldk_tui.tui.screens.view_screen import ViewScreen
from rldk_tui.tui.themes import THEMES, register_themes
from rldk_tui.tui.view import View
from rldk_tui.tui.widgets.scroll_view import ScrollView

if TYPE_CHECKING:
    from textual.command import Provider

_DEEPEST = 8
"""Screens on top of one another: from a finding to its completion to another step, and enough."""


def _palette() -> type[Provider]:
    """Imported when it is asked for: it costs the first frame nothing."""
    from rldk_tui.tui.palette import RunCommands

    return RunCommands


class MonitorApp(App[str]):
    """Watches one run. Without a `poll` it shows what is posted to it. Its result is "index" when that was asked for."""

    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_palette}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", show=False),
        Binding("ctrl+c", "quit", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", show=False),
        Binding("question_mark", "help", show=False),
        Binding("u", "not_evaluated", show=False),
        Binding("space", "hold", show=False),
        Binding("4", "checkpoints", show=False),
        Binding("5", "config", show=False),
        Binding("w", "learning", show=False),
        Binding("t", "next_theme", show=False),
        Binding("r", "report", show=False),
        Binding("c", "copy", show=False),
        Binding("e", "export", show=False),
        Binding("S", "safe_stop", show=False),
        Binding("less_than_sign", "seek(-0.1)", show=False),
        Binding("greater_than_sign", "seek(0.1)", show=False),
    ]

    def __init__(
        self,
        poll: Poll | None = None,
        *,
        title: str = "",
        ascii: bool = False,  # noqa: A002
        ask: Ask = ask_rldk,
        options: MonitorOptions | None = None,
    ) -> None:
        colourless = bool(os.environ.get("NO_COLOR"))
        super().__init__(ansi_color=True if colourless else None)
        register_themes(self)
        if colourless:
            self.theme = "ansi-dark"
        self.options = options or MonitorOptions()
        self._main = MainScreen(title, ascii=ascii)
        self._ascii = ascii
        self._ask = ask
        self._deeds = Deeds(self, ask)
        self._news = News()
        self._feed = None if poll is None else Feed(poll, self.post_message, self.options)
        self._view: View | None = None
        self._held = False
        self._checkpoints: CheckpointsScreen | None = None
        self.remembered = Remembered()
        self.failure: BaseException | None = None

    def on_mount(self) -> None:
        """Show the first frame; only then look at the run."""
        for ending in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(ending, self.exit)
        self.push_screen(self._main)
        if self._feed is not None:
            self.call_after_refresh(self._feed.start)

    def on_unmount(self) -> None:
        """Stop looking, and keep how the run was left."""
        if self._feed is not None:
            self._feed.stop()
        self.keep()

    @property
    def view(self) -> View | None:
        """The run as it is shown; None before there is one."""
        return self._view

    def on_health_updated(self, message: HealthUpdated) -> None:
        """Show the run as it stands."""
        if self._held:
            return
        if self._view is None:
            self._recall(message.view)
        view = replace(message.view, muted=frozenset(self.remembered.mutes))
        self._show(view)
        for finding in self._news.of(view):
            self._deeds.tell(finding, view)

    def _show(self, view: View) -> None:
        self._view = view
        self._main.show(view)
        for screen in self.screen_stack:
            if isinstance(screen, ViewScreen):
                screen.show(view)
        if self._checkpoints is not None and self._checkpoints not in self.screen_stack:
            self._checkpoints.show(view)

    def _recall(self, view: View) -> None:
        if self.options.remember:
            self.remembered = recall(view.health.directory)
            self._main.restore(self.remembered.panel, self.remembered.alone)
            if self.remembered.theme in THEMES and not os.environ.get("NO_COLOR"):
                self.theme = self.remembered.theme

    def keep(self) -> None:
        """Keep how the run was left, for the next visit."""
        if self._view is not None and self.options.remember:
            panel, alone = self._main.state()
            remember(self._view.health.directory, msgspec.structs.replace(self.remembered, panel=panel, alone=alone))

    def mute(self, rule: str) -> bool:
        """Do not want to hear of a rule, or want to again; whether it is muted now."""
        muted = rule not in self.remembered.mutes
        rules = {*self.remembered.mutes} ^ {rule}
        self.remembered = msgspec.structs.replace(self.remembered, mutes=tuple(sorted(rules)))
        if self._view is not None:
            self._show(replace(self._view, muted=frozenset(rules)))
        return muted

    def on_waiting(self, message: Waiting) -> None:
        """There is no run yet."""
        self._main.wait(message.seconds)

    def on_repointed(self, message: Repointed) -> None:
        """The link that was followed leads to another run now."""
        self.keep()
        self._view, self._news = None, News()
        while len(self.screen_stack) > 1 and self.screen is not self._main:
            self.pop_screen()
        self._checkpoints = None
        self.notify(f"{message.path} leads to {message.name} now.", title="Another run", timeout=15, markup=False)

    def on_feed_failed(self, message: FeedFailed) -> None:
        """End; `run_monitor` raises what happened once the terminal is itself again."""
        self.failure = message.failure
        self.exit()

    def on_scroll_view_opened(self, message: ScrollView.Opened) -> None:
        """Put the page of a line on top."""
        self.open(message.page)

    def open(self, page: Page) -> None:
        """Put a page on top, as the screen that suits it."""
        view = self._view
        if view is None or len(self.screen_stack) > _DEEPEST:
            return
        if isinstance(self.screen, PageScreen) and self.screen.page == page:
            return
        if isinstance(page, MetricPage) and fits(*self.size):
            self.push_screen(ChartScreen(page.metric, view, ascii=self._ascii))
        elif isinstance(page, FindingPage):
            self.push_screen(FindingScreen(page, view, ascii=self._ascii))
        else:
            self.push_screen(PageScreen(page, view, ascii=self._ascii))

    def action_help(self) -> None:
        """Keys and signs."""
        own = self.screen.keys if isinstance(self.screen, ViewScreen) else ()
        self.open(help_page(own))

    def action_not_evaluated(self) -> None:
        """What is not known of the run."""
        self.open(not_evaluated_page())

    def action_config(self) -> None:
        """How the run was set up."""
        self.open(config_page())

    def action_learning(self) -> None:
        """What of the work taught something."""
        self.open(learning_page())

    def action_checkpoints(self) -> None:
        """The run's checkpoints. The screen stays when it is left, for an analysis may run."""
        if self._view is None or isinstance(self.screen, CheckpointsScreen):
            return
        if self._checkpoints is None:
            self._checkpoints = CheckpointsScreen(self._view, ascii=self._ascii, ask=self._ask)
        if self._checkpoints not in self.screen_stack:
            if not self.is_screen_installed(self._checkpoints):
                self.install_screen(self._checkpoints, f"checkpoints-{id(self._checkpoints)}")
            self.push_screen(self._checkpoints)

    def action_hold(self) -> None:
        """Hold the screen still, or go on; a replay stands still itself."""
        self._held = not self._held
        self._main.hold(held=self._held)
        if self._feed is not None:
            self._feed.pause(paused=self._held)

    def action_seek(self, share: float) -> None:
        """Go on or back in a replay, by a share of the run."""
        if self._feed is not None and self.options.seek is not None:
            self.options.seek(share)
            self._feed.look()

    def action_next_theme(self) -> None:
        """Dark, light, for colour-blind eyes, and the terminal's own colours."""
        at = THEMES.index(self.theme) if self.theme in THEMES else -1
        self.theme = THEMES[(at + 1) % len(THEMES)]
        self.remembered = msgspec.structs.replace(self.remembered, theme=self.theme)

    def action_report(self) -> None:
        """Write the report in a child process, so that the monitor never carries what it needs."""
        self._deeds.report(self._view)

    def action_copy(self) -> None:
        """What is on the screen, to the clipboard and to a file."""
        screen = self.screen
        self._deeds.copy(screen.as_text() if isinstance(screen, ViewScreen) else self._main.as_text())

    def action_export(self) -> None:
        """The metrics as a table, in the working directory."""
        if self._view is not None:
            self._deeds.export(self._view, self.screen.metric if isinstance(self.screen, ChartScreen) else None)

    def action_safe_stop(self) -> None:
        """Ask the training to save and to stop, once that is confirmed."""
        self._deeds.safe_stop(self._view, ascii=self._ascii)

    async def action_quit(self) -> None:
        """Leave; the training is never touched."""
        self.exit()

    def action_index(self) -> None:
        """Back to the list of runs this one was opened from."""
        if self.options.indexed:
            self.exit("index")

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
    if app.failure is not None:
        raise app.failure
    return result
