"""The main screen: header, panels where the layout puts them, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widget import Widget

from rldk_tui.tui.cells import Box, FindingPage, Line, MetricPage, Page, Span, Tone, cut, line, spread
from rldk_tui.tui.header import draw_header
from rldk_tui.tui.key_line import key_line
from rldk_tui.tui.layout import Rect, arrange, fits
from rldk_tui.tui.pages.metric_card import metric_card
from rldk_tui.tui.panels import load_panels
from rldk_tui.tui.status import draw_status
from rldk_tui.tui.stillness import is_still
from rldk_tui.tui.view import View
from rldk_tui.tui.waiting import draw_waiting
from rldk_tui.tui.widgets.frame import Frame
from rldk_tui.tui.widgets.lines_view import LinesView
from rldk_tui.tui.widgets.scroll_view import ScrollView

if TYPE_CHECKING:
    from textual.widgets import Input

    from rldk_tui.tui.widgets.search_line import SearchLine

SCREENS = (("4", "checkpoints"), ("5", "config"))
"""The keys of screens of their own."""
_KEYS = (
    ("?", "help"), ("q", "quit"), ("/", "filter"), ("u", "not evaluated"), ("i", "is this normal?"), ("r", "report"),
    ("s", "all generations"), ("w", "learning signal"), ("ctrl+p", "everything"),
)  # fmt: skip
"""The first ones stay where there is no room for all."""


class MainScreen(Screen[None]):
    """Draws a view into whatever room there is; before there is one, says what it waits for."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "app.focus_previous", show=False),
        Binding("l,right", "app.focus_next", show=False),
        Binding("0", "alone('')", show=False),
        Binding("escape", "back", show=False),
        *(Binding(panel.key, f"alone('{panel.name}')", show=False) for panel in load_panels()),
        Binding("M", "maximise", show=False),
        Binding("slash", "filter", show=False, priority=True),
        Binding("n", "next(1)", show=False),
        Binding("N", "next(-1)", show=False),
        Binding("i", "card", show=False),
        Binding("m", "mute", show=False),
        Binding("left_square_bracket", "finding(-1)", show=False),
        Binding("right_square_bracket", "finding(1)", show=False),
        Binding("backspace", "app.do('index')", show=False),
    ]
    DEFAULT_CSS = """
    MainScreen {
        layout: vertical;
        overflow: hidden;
        & > #header { padding: 0 1; background: $panel; }
        & > #body { height: 1fr; }
        & > #message { padding: 1 2; height: 1fr; }
        & > #keys { height: 1; background: $panel; }
        & Frame { position: absolute; border: none; border-top: solid $border; border-title-color: $text-accent; }
        & Frame.framed { border: round $border; padding: 0 1; }
        & .ascii Frame { border-top: ascii $border; }
        & .ascii Frame.framed { border: ascii $border; }
        & Frame:focus-within { border-title-style: bold reverse; }
    }
    """

    def __init__(self, title: str, *, ascii: bool, replay: bool = False) -> None:  # noqa: A002
        super().__init__()
        self._run = title
        self._replay = replay
        self._ascii = ascii
        self._view: View | None = None
        self._waited: float | None = None
        self._alone = ""
        self._panel = ""
        self._held = False
        self._header = 0

    def compose(self) -> ComposeResult:
        """All panels are there from the start; the layout shows those that fit."""
        yield LinesView(id="header", ascii=self._ascii)
        yield LinesView(id="message", ascii=self._ascii)
        with Container(id="body", classes="ascii" if self._ascii else ""):
            for panel in load_panels():
                with Frame():
                    yield ScrollView(id=panel.name, ascii=self._ascii)
        yield LinesView(id="keys", ascii=self._ascii)

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._draw()

    def show(self, view: View) -> None:
        """The run was looked at again."""
        before, self._view = self._view, view
        first = before is None
        self._draw(still=before is not None and is_still(before, view))
        if first:
            shown = [panel.name for panel in load_panels() if self.query_one(f"#{panel.name}").display]
            if shown:
                self.query_one(f"#{self._panel if self._panel in shown else shown[0]}").focus()

    def restore(self, panel: str, alone: str) -> None:
        """Begin where the last visit ended; a name that no panel has is left out."""
        names = {known.name for known in load_panels()}
        self._panel = panel if panel in names else ""
        self._alone = alone if alone in names else ""

    def state(self) -> tuple[str, str]:
        """The panel that has the keys, and the one that has the whole screen."""
        return self._panel, self._alone

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remember which panel has the keys: when the app ends, none has them any more."""
        if isinstance(event.widget, ScrollView):
            self._panel = event.widget.id or ""

    def as_text(self) -> str:
        """Everything on it, for the clipboard: every panel as it is, and all of it."""
        shown = [widget for widget in self.query(LinesView) if widget.id != "keys" and widget.display]
        parts = []
        for widget in shown:
            title = f"{widget.framed.border_title}\n" if isinstance(widget, ScrollView) else ""
            text = widget.text if isinstance(widget, ScrollView) else "\n".join(row.text for row in widget.rows)
            parts.append(title + "\n".join(row.rstrip() for row in text.splitlines()))
        return "\n\n".join(parts) + "\n"

    def wait(self, seconds: float) -> None:
        """There is still no run."""
        self._waited = seconds
        if self._view is None:
            self._draw()

    def hold(self, *, held: bool) -> None:
        """Say whether the screen stands still."""
        self._held = held
        self._draw()

    def action_alone(self, name: str) -> None:
        """Give one panel the whole body; again, or with no name, all of them their own."""
        self._alone = "" if name == self._alone else name
        self._draw()
        if self._alone:
            self.query_one(f"#{self._alone}").focus()

    def action_back(self) -> None:
        """Everything again: first without the filter, then all panels; then the runs it was opened from."""
        narrowed = [shown for shown in self.query(ScrollView) if shown.narrowed]
        for shown in narrowed:
            shown.narrow("")
        if not narrowed and self._alone:
            self.action_alone("")
        elif not narrowed:
            self.app.action_do("index")  # type: ignore[attr-defined]

    def action_maximise(self) -> None:
        """The panel with the cursor on the whole screen, and back."""
        here = self._focused()
        if here is not None and here.id:
            self.action_alone(here.id)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 # Textual's signature
        """While something is typed, a slash is one."""
        return action != "filter" or not self.query("SearchLine")

    async def action_filter(self) -> None:
        """Ask what the lines of the panel are to hold."""
        from rldk_tui.tui.widgets.search_line import SearchLine, opened

        here = self._focused()
        if here is None or self.query(SearchLine):
            return
        await opened(self, SearchLine(here.narrowed, "show only what holds … then ⏎"))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow while it is typed."""
        self._filtered().narrow(event.value)

    def on_search_line_given(self, message: SearchLine.Given) -> None:
        """It stays so; with nothing typed, everything is shown."""
        shown = self._filtered()
        shown.narrow(message.text)
        shown.focus()

    def _filtered(self) -> ScrollView:
        return self.query_one(f"#{self._panel or load_panels()[0].name}", ScrollView)

    def action_next(self, by: int) -> None:
        """The next or the previous line that opens."""
        here = self._focused()
        if here is not None:
            here.action_move(by)

    def action_finding(self, by: int) -> None:
        """The next or the previous finding."""
        shown = self.query_one("#findings", ScrollView)
        if shown.has_focus:
            shown.action_move(by)
        elif shown.display:
            shown.focus()

    def action_card(self) -> None:
        """What the metric under the cursor is, and what is normal."""
        page = self._page_here()
        if isinstance(page, MetricPage):
            self.post_message(ScrollView.Opened(metric_card(page.metric)))
        else:
            self.notify("Put the cursor on a metric (1), then i says what is normal.", markup=False)

    def action_mute(self) -> None:
        """Do not want to hear of the rule under the cursor, or want to again."""
        page = self._page_here()
        found = [] if self._view is None else self._view.health.findings
        rule = next((one.rule for one in found if isinstance(page, FindingPage) and one.id == page.finding), None)
        if rule is not None:
            self.app.desk.mute(rule)  # type: ignore[attr-defined]

    def _focused(self) -> ScrollView | None:
        return self.focused if isinstance(self.focused, ScrollView) else None

    def _page_here(self) -> Page | None:
        here = self._focused()
        return None if here is None else here.here

    def _draw(self, *, still: bool = False) -> None:
        """Everything; of a view that is still, only what tells the time."""
        width, height = self.size
        if not width or not self.is_mounted:
            return
        view = self._view
        roomy = fits(width, height)
        header, message, body, keys = (self.query_one(f"#{name}") for name in ("header", "message", "body", "keys"))
        header.display = body.display = roomy and view is not None
        keys.display = roomy
        message.display = not body.display
        message.styles.padding = (1, 2) if roomy else 0
        self._lines("keys").show((self._key_line(width),))
        if view is None:
            self._lines("message").show(draw_waiting(self._run, self._waited, Box(width - 4, height)))
        elif not roomy:
            self._lines("message").show(draw_status(view, Box(width, height, ascii=self._ascii)))
        else:
            self._draw_panels(view, width, height, still=still)

    def _draw_panels(self, view: View, width: int, height: int, *, still: bool) -> None:
        lines = draw_header(view, Box(width - 2, ascii=self._ascii))
        self._lines("header").styles.height = len(lines)
        self._lines("header").show(lines)
        if still and len(lines) == self._header:
            return
        self._header = len(lines)
        room = (width, height - len(lines) - 1)
        arrangement = arrange(load_panels(), view, *room, alone=self._alone or None)
        across, down = arrangement.frame
        for panel in load_panels():
            shown = self.query_one(f"#{panel.name}", ScrollView)
            place = arrangement.places.get(panel.name)
            shown.display = shown.framed.display = place is not None
            if place is None:
                continue
            self._put(shown.framed, place, framed=arrangement.framed)
            box = Box(place.width - across, max(1, place.height - down), ascii=self._ascii)
            drawing = panel.draw(view, box)
            shown.title_width = place.width - 6  # corners, a rule's end and a blank on either side
            shown.show(drawing.lines, drawing.footer, f"{panel.key} {panel.name.capitalize()}", drawing.note)

    def _put(self, shown: Widget, place: Rect, *, framed: bool) -> None:
        shown.set_class(framed, "framed")
        shown.styles.offset = (place.x, place.y)
        shown.styles.width, shown.styles.height = place.width, place.height

    def _lines(self, name: str) -> LinesView:
        return self.query_one(f"#{name}", LinesView)

    def _key_line(self, width: int) -> Line:
        last = self._steering()
        room = width - last.width - 1 if last.spans else width
        if self._view is None:
            return spread(key_line(_KEYS[1:2]), last, width)
        digits = sorted([*((panel.key, panel.name) for panel in load_panels()), *SCREENS])
        first = ("Enter" if self._ascii else "⏎", "open")
        panels = [(f"{digits[0][0]}–{digits[-1][0]}", "panels")]
        choices = [[*digits, first, *_KEYS], *([*panels, first, *_KEYS[:many]] for many in range(len(_KEYS), 1, -1))]
        shown = next((keys for choice in choices if (keys := key_line(choice)).width <= room), key_line(_KEYS[:2]))
        return spread(shown, last, width) if last.spans else cut(shown, width)

    def _steering(self) -> Line:
        """What the screen waits for, or how to steer what is played."""
        if self._held:
            return line(Span(" HELD: Space goes on ", Tone.WARNING))
        if not self._replay or self._view is None:
            return Line()
        steer = key_line((("Space", "pause"), ("<", "back"), (">", "on")))
        return line(Span(" REPLAY ", Tone.INFO), *steer.spans)
