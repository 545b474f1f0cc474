"""What the app does once everything is loaded: screens on top of one another, and the keys that reach them from anywhere."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from rldk_tui.tui.cells import FindingPage, MetricPage, Page
from rldk_tui.tui.chart_window import ChartWindow
from rldk_tui.tui.deeds import Deeds
from rldk_tui.tui.layout import fits
from rldk_tui.tui.news import News
from rldk_tui.tui.pages.config import config_page
from rldk_tui.tui.pages.help import help_page
from rldk_tui.tui.pages.learning import learning_page
from rldk_tui.tui.pages.not_evaluated import not_evaluated_page
from rldk_tui.tui.remembered import Remembered, recall, remember
from rldk_tui.tui.screens.chart import ChartScreen
from rldk_tui.tui.screens.checkpoints import CheckpointsScreen
from rldk_tui.tui.screens.finding import FindingScreen
from rldk_tui.tui.screens.generations import GenerationsScreen
from rldk_tui.tui.screens.main import MainScreen
from rldk_tui.tui.screens.page import PageScreen
from rldk_tui.tui.screens.view_screen import ViewScreen
from rldk_tui.tui.themes import THEMES
from rldk_tui.tui.view import View

if TYPE_CHECKING:
    from rldk_tui.tui.app import MonitorApp
    from rldk_tui.tui.child import Ask

_DEEPEST = 8
"""Screens on top of one another: from a finding to its completion to another step, and enough."""


class Desk:
    """The screens of one app. Its methods without arguments are what keys and the palette do."""

    def __init__(self, app: MonitorApp, title: str, *, ascii: bool, ask: Ask) -> None:  # noqa: A002
        self._app = app
        self._ascii = ascii
        self._ask = ask
        self._main = MainScreen(title, ascii=ascii, replay=app.options.seek is not None)
        self._deeds = Deeds(app, ask)
        self._news = News()
        self._checkpoints: CheckpointsScreen | None = None
        self.view: View | None = None
        self.remembered = Remembered()
        app.push_screen(self._main)

    def health(self, view: View) -> None:
        """Show the run as it stands, and tell what is new of it."""
        if self.view is None:
            self._recall(view)
        view = replace(view, muted=frozenset(self.remembered.mutes))
        self._show(view)
        for finding in self._news.of(view):
            self._deeds.tell(finding, view)

    def wait(self, seconds: float) -> None:
        """There is no run yet."""
        self._main.wait(seconds)

    def held(self, *, held: bool) -> None:
        """The screen stands still, or goes on."""
        self._main.hold(held=held)

    def repointed(self, path: str, name: str) -> None:
        """The link that was followed leads to another run now."""
        self.keep()
        self.view, self._news, self._checkpoints = None, News(), None
        while self._app.screen is not self._main and len(self._app.screen_stack) > 1:
            self._app.pop_screen()
        self._app.notify(f"{path} leads to {name} now.", title="Another run", timeout=15, markup=False)

    def _show(self, view: View) -> None:
        self.view = view
        self._main.show(view)
        for screen in self._app.screen_stack:
            if isinstance(screen, ViewScreen):
                screen.show(view)
        if self._checkpoints is not None and self._checkpoints not in self._app.screen_stack:
            self._checkpoints.show(view)

    def _recall(self, view: View) -> None:
        if self._app.options.remember:
            self.remembered = recall(view.health.directory)
            self._main.restore(self.remembered.panel, self.remembered.alone)
            if self.remembered.theme in THEMES and not os.environ.get("NO_COLOR"):
                self._app.theme = self.remembered.theme

    def keep(self) -> None:
        """Keep how the run was left, for the next visit."""
        if self.view is not None and self._app.options.remember:
            panel, alone = self._main.state()
            if self._checkpoints is not None:
                self._remember(marks=self._checkpoints.marked)
            remember(self.view.health.directory, msgspec.structs.replace(self.remembered, panel=panel, alone=alone))

    def mute(self, rule: str) -> bool:
        """Do not want to hear of a rule, or want to again; whether it is muted now."""
        rules = {*self.remembered.mutes} ^ {rule}
        self.remembered = msgspec.structs.replace(self.remembered, mutes=tuple(sorted(rules)))
        if self.view is not None:
            self._show(replace(self.view, muted=frozenset(rules)))
        return rule in rules

    def open(self, page: Page) -> None:
        """Put a page on top, as the screen that suits it."""
        app, view = self._app, self.view
        if view is None or len(app.screen_stack) > _DEEPEST:
            return
        if isinstance(app.screen, PageScreen) and app.screen.page == page:
            return
        if isinstance(page, MetricPage) and fits(*app.size):
            self.chart(page.metric, page.step)
        elif isinstance(page, FindingPage):
            app.push_screen(FindingScreen(page, view, ascii=self._ascii))
        else:
            app.push_screen(PageScreen(page, view, ascii=self._ascii))

    def help(self) -> None:
        """Keys and signs."""
        screen = self._app.screen
        self.open(help_page(screen.keys if isinstance(screen, ViewScreen) else ()))

    def not_evaluated(self) -> None:
        """What is not known of the run."""
        self.open(not_evaluated_page())

    def config(self) -> None:
        """How the run was set up."""
        self.open(config_page())

    def learning(self) -> None:
        """What of the work taught something."""
        self.open(learning_page())

    def checkpoints(self) -> None:
        """The run's checkpoints. The screen stays when it is left, for an analysis may run."""
        app = self._app
        if self.view is None or isinstance(app.screen, CheckpointsScreen):
            return
        if self._checkpoints is None:
            saved = {row.step for row in self.view.checkpoints.rows}
            marked = tuple(step for step in self.remembered.marks if step in saved)
            self._checkpoints = CheckpointsScreen(self.view, ascii=self._ascii, ask=self._ask, marked=marked)
            app.install_screen(self._checkpoints, f"checkpoints-{id(self._checkpoints)}")
        if self._checkpoints not in app.screen_stack:
            app.push_screen(self._checkpoints)

    def generations(self) -> None:
        """Every generation in memory, sorted and searched."""
        if self.view is not None and not isinstance(self._app.screen, GenerationsScreen):
            screen = GenerationsScreen(self.view, ascii=self._ascii, order=self.remembered.sort)
            self._app.push_screen(screen, lambda _: self._remember(sort=screen.order))

    def chart(self, metric: str, step: int | None = None) -> None:
        """A metric's chart, smoothed and scaled as the last one was."""
        if self.view is None:
            return
        window = ChartWindow(at=step, level=self.remembered.smoothing, log=self.remembered.log)
        screen = ChartScreen(metric, self.view, ascii=self._ascii, window=window)
        self._app.push_screen(screen, lambda _: self._remember(smoothing=screen.window.level, log=screen.window.log))

    def _remember(self, **changes: str | int | bool | tuple[int, ...]) -> None:
        self.remembered = msgspec.structs.replace(self.remembered, **changes)

    def next_theme(self) -> None:
        """Dark, light, for colour-blind eyes, and the terminal's own colours."""
        app = self._app
        at = THEMES.index(app.theme) if app.theme in THEMES else -1
        app.theme = THEMES[(at + 1) % len(THEMES)]
        self._remember(theme=app.theme)

    def report(self) -> None:
        """Write the report in a child process, so that the monitor never carries what it needs."""
        self._deeds.report(self.view)

    def copy(self) -> None:
        """What is on the screen, to the clipboard and to a file."""
        screen = self._app.screen
        self._deeds.copy(screen.as_text() if isinstance(screen, ViewScreen) else self._main.as_text())

    def export(self) -> None:
        """The metrics as a table, in the working directory."""
        screen = self._app.screen
        if self.view is not None:
            self._deeds.export(self.view, screen.metric if isinstance(screen, ChartScreen) else None)

    def safe_stop(self) -> None:
        """Ask the training to save and to stop, once that is confirmed."""
        self._deeds.safe_stop(self.view, ascii=self._ascii)

    def index(self) -> None:
        """Back to the list of runs this one was opened from."""
        if self._app.options.indexed:
            self._app.exit("index")
