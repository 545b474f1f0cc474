"""The chart screen: one metric in large, its keys, and the crosshair that all charts on it share."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from rldk_tui.tui.chart_lines import GUTTER
from rldk_tui.tui.chart_page import draw_chart, extent_of
from rldk_tui.tui.chart_window import ChartWindow
from rldk_tui.tui.key_line import key_line
from rldk_tui.tui.metric_order import metrics_in_order
from rldk_tui.tui.pages.metric_card import metric_card
from rldk_tui.tui.screens.view_screen import ViewScreen
from rldk_tui.tui.view import View
from rldk_tui.tui.widgets.lines_view import LinesView
from rldk_tui.tui.widgets.scroll_view import ScrollView

_IN, _OUT = 0.5, 2.0
_FAR = 10
_EDGE = 10_000_000
_KEYS = (
    ("Esc", "back"), ("← →", "crosshair"), ("↑ ↓", "zoom"), ("?", "help"), ("i", "is this normal?"), ("Tab", "next metric"),
    ("[ ]", "findings"), ("+ -", "smooth"), ("y", "log"), ("0", "whole run"), ("PgUp PgDn", "pan"), ("M", "alone"),
    ("c", "copy"), ("e", "export"),
)  # fmt: skip


class ChartScreen(ViewScreen):
    """A metric over its steps."""

    keys = _KEYS
    around = (2, 1)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "leave", show=False),
        Binding("left,h", "point(-1)", show=False),
        Binding("right,l", "point(1)", show=False),
        Binding("shift+left,H", f"point(-{_FAR})", show=False),
        Binding("shift+right,L", f"point({_FAR})", show=False),
        Binding("home,g", f"point(-{_EDGE})", show=False),
        Binding("end,G", f"point({_EDGE})", show=False),
        Binding("up,k", f"zoom({_IN})", show=False),
        Binding("down,j", f"zoom({_OUT})", show=False),
        Binding("pageup", "pan(-0.5)", show=False),
        Binding("pagedown", "pan(0.5)", show=False),
        Binding("0", "whole", show=False),
        Binding("plus,equals_sign", "smooth(1)", show=False),
        Binding("minus", "smooth(-1)", show=False),
        Binding("y", "log", show=False),
        Binding("left_square_bracket", "finding(-1)", show=False),
        Binding("right_square_bracket", "finding(1)", show=False),
        Binding("tab,n", "metric(1)", show=False),
        Binding("shift+tab,N", "metric(-1)", show=False),
        Binding("i", "card", show=False),
        Binding("M,shift+m", "alone", show=False),
    ]
    DEFAULT_CSS = """
    ChartScreen > #chart { height: 1fr; padding: 0 1; }
    ChartScreen > #keys { height: 1; background: $panel; }
    """

    class Moved(Message):
        """Another metric is shown."""

        def __init__(self, metric: str) -> None:
            self.metric = metric
            super().__init__()

    def __init__(self, metric: str, view: View, *, ascii: bool, window: ChartWindow) -> None:  # noqa: A002
        super().__init__()
        self.metric = metric
        self._view = view
        self._ascii = ascii
        self._window = window
        self._alone = False

    def compose(self) -> ComposeResult:
        """The chart and its keys."""
        yield LinesView(id="chart", ascii=self._ascii, can_focus=True)
        yield LinesView(id="keys", ascii=self._ascii)

    def on_mount(self) -> None:
        """The keys are the chart's."""
        self.query_one("#chart").focus()
        self._draw()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._draw()

    def show(self, view: View) -> None:
        """The run was looked at again."""
        self._view = view
        self._draw()

    @property
    def window(self) -> ChartWindow:
        """What is looked at."""
        return self._window

    def action_leave(self) -> None:
        """Back to the screen before."""
        self.dismiss()

    def action_point(self, by: int) -> None:
        """Move the crosshair by so many logs."""
        self._set(self._window.stepped(by, self._steps(), self._extent()))

    def action_zoom(self, factor: float) -> None:
        """Look at less, or at more."""
        self._set(self._window.zoomed(factor, self._extent()))

    def action_pan(self, share: float) -> None:
        """Move along the run."""
        self._set(self._window.panned(share, self._extent()))

    def action_whole(self) -> None:
        """The whole run, as it was."""
        self._set(replace(self._window, width=None, last=None, at=None))

    def action_smooth(self, by: int) -> None:
        """Average over more or fewer logs."""
        self._set(self._window.smoother(by))

    def action_log(self) -> None:
        """A logarithmic value axis, or a plain one."""
        self._set(replace(self._window, log=not self._window.log))

    def action_alone(self) -> None:
        """Only this metric, or others beside it."""
        self._alone = not self._alone
        self._draw()

    def action_finding(self, by: int) -> None:
        """Put the crosshair where the next or the previous finding on this metric begins."""
        found = sorted({finding.first_step for finding in self._view.health.findings if finding.metric == self.metric})
        steps = self._steps()
        if not found or not steps.size:
            self.notify("Nothing was found on this metric.", markup=False)
            return
        here = int(steps[-1]) if self._window.at is None else self._window.at
        if by > 0:
            target = next((step for step in found if step > here), found[0])
        else:
            target = next((step for step in reversed(found) if step < here), found[-1])
        place = min(int(np.searchsorted(steps, target)), int(steps.size) - 1)
        self._set(self._window.pointed(int(steps[place]), self._extent()))

    def action_metric(self, by: int) -> None:
        """The next or the previous metric, the same part of the run."""
        names = [name for name in metrics_in_order(self._view) if name in self._view.metrics]
        if names:
            at = names.index(self.metric) if self.metric in names else 0
            self.metric = names[(at + by) % len(names)]
            self._draw()

    def action_card(self) -> None:
        """What this metric is and what is normal."""
        self.post_message(ScrollView.Opened(metric_card(self.metric)))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel looks closer, at what the pointer is on."""
        self._point_at(event)
        self.action_zoom(_IN)

    def on_mouse_scroll_down(self) -> None:
        """The wheel looks from further away."""
        self.action_zoom(_OUT)

    def on_click(self, event: events.Click) -> None:
        """The crosshair goes to the pointer."""
        self._point_at(event)

    def _point_at(self, event: events.MouseEvent) -> None:
        chart = self.query_one("#chart", LinesView)
        offset, steps = event.get_content_offset(chart), self._steps()
        cells = chart.content_size.width - GUTTER
        if offset is None or offset.x < GUTTER or not steps.size or cells < 2:
            return
        first, last = self._window.bounds(self._extent())
        wanted = first + (offset.x - GUTTER) * (last - first) / (cells - 1)
        nearest = int(np.argmin(np.abs(steps - wanted)))
        self._set(self._window.pointed(int(steps[nearest]), self._extent()))

    def _steps(self) -> NDArray[np.int64]:
        return self._view.health.snapshot.series(self.metric).steps

    def _extent(self) -> tuple[int, int]:
        return extent_of(self._view)

    def _set(self, window: ChartWindow) -> None:
        self._window = window
        self._draw()

    def _draw(self) -> None:
        if not self.children:
            return
        box = self.room
        drawn = draw_chart(self._view, self.metric, self._window, box, alone=self._alone)
        self.query_one("#chart", LinesView).show(drawn)
        self.query_one("#keys", LinesView).show((key_line(_KEYS, self.app.size.width),))
