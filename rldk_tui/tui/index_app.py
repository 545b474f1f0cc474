"""The list of a folder's runs: one line a run, live, and ⏎ opens one."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType

from rldk_tui.summary.runs import RunRow
from rldk_tui.tui.cells import Box, Span, Tone, cut, line
from rldk_tui.tui.index_lines import RunPage, Sort, index_lines
from rldk_tui.tui.key_line import key_line
from rldk_tui.tui.messages import RunsRead
from rldk_tui.tui.options import MonitorOptions
from rldk_tui.tui.runs_index import RunsIndex
from rldk_tui.tui.themes import THEMES, register_themes
from rldk_tui.tui.widgets.lines_view import LinesView
from rldk_tui.tui.widgets.scroll_view import ScrollView

if TYPE_CHECKING:
    from textual.widgets import Input

    from rldk_tui.tui.widgets.search_line import SearchLine

_KEYS = (("⏎", "open"), ("s", "sort"), ("/", "filter"), ("Esc", "all"), ("t", "colours"), ("q", "quit"))
_LEAST_INTERVAL = 2.0


class IndexApp(App[Path]):
    """Its result is the run that was chosen; None when it was quit."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", show=False),
        Binding("ctrl+c", "quit", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", show=False),
        Binding("s", "sort", show=False),
        Binding("slash", "filter", show=False, priority=True),
        Binding("escape", "unfilter", show=False),
        Binding("t", "next_theme", show=False),
    ]
    CSS = """
    Screen { layout: vertical; }
    #runs { border: round $border; padding: 0 1; height: 1fr; border-title-color: $text-accent; }
    #runs.ascii { border: ascii $border; }
    #keys { height: 1; background: $panel; }
    """

    def __init__(self, index: RunsIndex, options: MonitorOptions, *, ascii: bool = False) -> None:  # noqa: A002
        colourless = bool(os.environ.get("NO_COLOR"))
        super().__init__(ansi_color=True if colourless else None)
        register_themes(self)
        if colourless:
            self.theme = "ansi-dark"
        self._index = index
        self._options = options
        self._ascii = ascii
        self._sort = Sort.NEWEST
        self._rows: tuple[RunRow, ...] = index.rows()
        self._reading = True
        self._touched = False
        self._stop = threading.Event()

    def compose(self) -> ComposeResult:
        """The list and its keys."""
        yield ScrollView(id="runs", ascii=self._ascii)
        yield LinesView(id="keys", ascii=self._ascii)

    def on_mount(self) -> None:
        """Show the first frame; only then read."""
        for ending in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(ending, self.exit)
        self.query_one("#runs").set_class(self._ascii, "ascii")
        self.query_one("#runs").focus()
        interval = max(_LEAST_INTERVAL, self._options.interval)
        thread = threading.Thread(
            target=self._index.follow, args=(self._read, self._stop, interval), name="rldk-runs", daemon=True
        )
        self.call_after_refresh(thread.start)

    def on_unmount(self) -> None:
        """Stop reading."""
        self._stop.set()

    def _read(self, rows: tuple[RunRow, ...], *, reading: bool) -> None:
        self.post_message(RunsRead(rows, reading))

    def on_key(self) -> None:
        """From now on the cursor stays with its run, wherever that goes."""
        self._touched = True

    def on_runs_read(self, message: RunsRead) -> None:
        """Show the runs as they stand."""
        self._rows, self._reading = message.rows, message.reading
        self._draw()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self._draw)

    def on_scroll_view_opened(self, message: ScrollView.Opened) -> None:
        """A run was chosen."""
        if isinstance(message.page, RunPage):
            self.exit(self._index.folder / message.page.run)

    def action_sort(self) -> None:
        """The next order."""
        orders = list(Sort)
        self._sort = orders[(orders.index(self._sort) + 1) % len(orders)]
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 # Textual's signature
        """While something is typed, a slash is one."""
        return action != "filter" or not self.query("SearchLine")

    async def action_filter(self) -> None:
        """Ask what the lines are to hold."""
        from rldk_tui.tui.widgets.search_line import SearchLine, opened

        if not self.query(SearchLine):
            await opened(self.screen, SearchLine(self.query_one("#runs", ScrollView).narrowed, "show only what holds … then ⏎"))

    def action_unfilter(self) -> None:
        """All runs again."""
        self.query_one("#runs", ScrollView).narrow("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow while it is typed."""
        self.query_one("#runs", ScrollView).narrow(event.value)

    def on_search_line_given(self, message: SearchLine.Given) -> None:
        """It stays so."""
        shown = self.query_one("#runs", ScrollView)
        shown.narrow(message.text)
        shown.focus()

    def action_next_theme(self) -> None:
        """The next colours."""
        at = THEMES.index(self.theme) if self.theme in THEMES else -1
        self.theme = THEMES[(at + 1) % len(THEMES)]

    def _draw(self) -> None:
        shown = self.query_one("#runs", ScrollView)
        size = shown.content_size
        if not size.width:
            return
        box = Box(size.width, size.height, ascii=self._ascii)
        unread = sum(row.state is None for row in self._rows)
        note = f"{len(self._rows)} runs · {self._sort.value}" + (f" · {unread} to read" if unread else "")
        rows = index_lines(self._rows, self._sort, time.time(), box)
        if not self._rows:
            rows = (line(Span("looking for runs …" if self._reading else "no run is here", Tone.DIM)),)
        shown.show(rows, (), str(self._index.folder), note)
        if not self._touched:
            shown.to_top()
        self.query_one("#keys", LinesView).show((cut(key_line(_KEYS), self.size.width),))


def run_index(index: RunsIndex, options: MonitorOptions, *, ascii: bool | None = None) -> Path | None:  # noqa: A002
    """Open the list and stay until a run is chosen, or None."""
    from rldk_tui.tui.terminal import ascii_only

    app = IndexApp(index, options, ascii=ascii_only() if ascii is None else ascii)
    return app.run(mouse=options.mouse)
