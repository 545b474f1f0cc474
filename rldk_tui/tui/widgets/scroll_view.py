"""Lines that may be more than there is room for: they scroll, a footer stays below, and ⏎ opens what a line leads to."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from rldk_tui.tui.cells import Line, Page, Tone, cut, in_ascii, line
from rldk_tui.tui.widgets.frame import Frame
from rldk_tui.tui.widgets.lines_view import LinesView

_FAR = 1_000_000


class ScrollView(LinesView):
    """Where lines lead somewhere, a cursor goes from one to the next; else the lines themselves move.

    Attributes:
        title_width: Cells of its title, where they are known before it is laid out; None for as many as a line has.
    """

    title_width: int | None = None

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home,g", f"move(-{_FAR})", show=False),
        Binding("end,G", f"move({_FAR})", show=False),
        Binding("enter", "open", show=False),
    ]

    class Opened(Message):
        """A line was opened."""

        def __init__(self, page: Page) -> None:
            self.page = page
            super().__init__()

    def __init__(self, *, id: str | None = None, ascii: bool = False) -> None:  # noqa: A002
        super().__init__(id=id, ascii=ascii, can_focus=True)
        self._footer: tuple[Line, ...] = ()
        self._title = ("", "")
        self._stops: list[int] = []
        self._at = 0
        self._top = 0
        self._found = -1
        self._filter = ""
        self._all: tuple[Line, ...] = ()

    def show(self, rows: tuple[Line, ...], footer: tuple[Line, ...] = (), title: str = "", note: str = "") -> None:
        """Show these lines, the footer always below them. The cursor stays with what it was on; the first ones from the top."""
        here, seen = self._page_here(), bool(self._all) and self._seen()
        if self._ascii:
            footer = tuple(map(in_ascii, footer))
        self._show_footer(footer)
        self._all = rows
        super().show(_narrowed(rows, self._filter) if self._filter else rows)
        self.entitle(title, f"only {self._filter!r}" if self._filter else note)
        self._stops = [
            at for at, row in enumerate(self.rows) if row.opens and (at == 0 or self.rows[at - 1].opens != row.opens)
        ]
        stay = next((index for index, at in enumerate(self._stops) if self.rows[at].opens == here), self._at)
        if seen:
            self._go(stay)
        else:
            self._at = stay
            self._scroll(self._top)

    def _show_footer(self, footer: tuple[Line, ...]) -> None:
        old, self._footer = self._footer, footer
        if len(old) != len(footer):
            self.refresh()
            return
        super()._repaint(self._room(), old, footer)

    @property
    def framed(self) -> Widget:
        """What has its title: the frame around it, where it has one, else itself."""
        return self.parent if isinstance(self.parent, Frame) else self

    def narrow(self, text: str) -> None:
        """Show only what opens and holds this text, and what stands above all of it; "" shows everything again."""
        self._filter = text
        title, note = self._title
        self.show(self._all, self._footer, title, "" if note.startswith("only ") else note)

    @property
    def narrowed(self) -> str:
        """The text that what is shown holds; "" for everything."""
        return self._filter

    def entitle(self, title: str, note: str = "") -> None:
        """Name it, with a word beside the name."""
        self._title = (title, note)

    @property
    def here(self) -> Page | None:
        """What the cursor's line leads to; None without a cursor."""
        return self._page_here()

    @property
    def text(self) -> str:
        """Everything it shows, for a reader without a screen."""
        return "\n".join(row.text for row in (*self.rows, *self._footer))

    def action_move(self, by: int) -> None:
        """Move the cursor, or the lines where what can be opened next is too far away to go there unread."""
        if abs(by) >= _FAR:
            if self._stops:
                self._go(by)
            self._scroll(by)
        elif self._stops and self._within_reach(self._at + by):
            self._go(self._at + by)
        else:
            self._scroll(self._top + by)

    def to_top(self) -> None:
        """The cursor to the first line that opens, and the first line on top."""
        self.action_move(-_FAR)

    def action_page(self, by: int) -> None:
        """Move by what fits on the screen; the cursor comes along where there is something to open."""
        far = by * max(1, self._room() - 1)
        if self._stops:
            wanted = self._stops[self._at] + far
            passed = bisect_right(self._stops, wanted) - 1 if by > 0 else bisect_left(self._stops, wanted)
            self._at = max(0, min(passed, len(self._stops) - 1))
            self.refresh()
        self._scroll(self._top + far)

    def _within_reach(self, to: int) -> bool:
        """Whether going to a stop leaves no line unread: it begins on the screen or right beside it."""
        if not 0 <= to < len(self._stops):
            return False
        return self._top - self._room() // 2 <= self._stops[to] <= self._top + self._room() + self._room() // 2

    def action_open(self) -> None:
        """Open what the cursor's line leads to."""
        if (page := self._page_here()) is not None and self._seen():
            self.post_message(self.Opened(page))

    def find(self, text: str, by: int) -> bool:
        """Go to the next (1) or the previous (-1) line that holds this text, from the top with 0; whether there is any."""
        wanted = text.casefold()
        found = [at for at, row in enumerate(self.rows) if wanted in row.text.casefold()]
        if not found:
            return False
        here = self._found if self._found in range(len(self.rows)) else self._top - 1
        if by > 0:
            self._found = next((at for at in found if at > here), found[0])
        elif by < 0:
            self._found = next((at for at in reversed(found) if at < here), found[-1])
        else:
            self._found = found[0]
        self._scroll(self._found - self._room() // 3)
        self._at = next((index for index, at in enumerate(self._stops) if at == self._found), self._at)
        self.refresh()
        return True

    def _page_here(self) -> Page | None:
        return self.rows[self._stops[self._at]].opens if self._at < len(self._stops) else None

    def _seen(self) -> bool:
        """Whether the cursor is on the screen; without one, the lines are where they are meant to be."""
        if self._at >= len(self._stops):
            return True
        return self._top <= self._stops[self._at] < max(self._top + self._room(), self._top + 1)

    def _room(self) -> int:
        return max(0, self.content_size.height - len(self._footer))

    def _go(self, to: int) -> None:
        """Put the cursor on a stop and bring all its lines onto the screen; from the first one, what is above it too."""
        before, self._at = self._at, max(0, min(to, len(self._stops) - 1))
        if self._at != before:
            self.refresh()
        if not self._stops:
            self._scroll(self._top)
            return
        first = self._stops[self._at]
        last = first
        while last + 1 < len(self.rows) and self.rows[last + 1].opens == self.rows[first].opens:
            last += 1
        top = min(max(self._top, last - self._room() + 1), first)
        self._scroll(0 if self._at == 0 and last < self._room() else top)

    def _scroll(self, to: int) -> None:
        top = max(0, min(to, len(self.rows) - self._room()))
        if top != self._top:
            self._top = top
            self.refresh()
            if not self._seen():
                self._catch_up()
        self._retitle()

    def _catch_up(self) -> None:
        """The cursor to the nearest line on the screen that opens, where there is one."""
        shown = [index for index, at in enumerate(self._stops) if self._top <= at < self._top + self._room()]
        if shown:
            self._at = min(shown, key=lambda index: abs(index - self._at))

    def _retitle(self) -> None:
        title, note = self._title
        below = len(self.rows) - self._top - self._room()
        more = f"{below} more below" if below > 0 and self._room() else ""
        shown = line(" · ".join(part for part in (title, note, more) if part))
        room = self.title_width or self.content_size.width - 2
        if room <= 0:  # not laid out yet; it will be told of its size
            return
        text = (in_ascii(cut(shown, room)) if self._ascii else cut(shown, room)).text
        if str(self.framed.border_title or "") != text:
            self.framed.border_title = Content(text)

    def _repaint(self, top: int, before: Sequence[Line], after: Sequence[Line]) -> None:
        shown = slice(self._top, self._top + self._room())
        super()._repaint(top, before[shown], after[shown])

    def render_line(self, y: int) -> Strip:
        """One row, by Textual's line API."""
        width, room = self.content_size.width, self._room()
        if y >= room:
            return self._strip(self._footer[y - room] if y - room < len(self._footer) else line(), width)
        at = self._top + y
        if at >= len(self.rows):
            return Strip.blank(width, self._style(Tone.PLAIN))
        row = self.rows[at]
        here = self.has_focus and row.opens is not None and row.opens == self._page_here()
        return self._strip(row, width, cursor=here or at == self._found)

    def on_resize(self) -> None:
        """The room changed."""
        if self._seen():
            self._go(self._at)
        else:
            self._scroll(self._top)

    def on_focus(self) -> None:
        """The cursor appears."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor disappears."""
        self.refresh()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the lines."""
        event.stop()
        self._scroll(self._top + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the lines."""
        event.stop()
        self._scroll(self._top - 3)

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor there, a second one opens."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y >= self._room():
            return
        at = self._top + offset.y
        page = self.rows[at].opens if at < len(self.rows) else None
        if page is not None:
            self._go(next(index for index, stop in enumerate(self._stops) if self.rows[stop].opens == page))
            if event.chain > 1:
                self.action_open()


def _narrowed(rows: tuple[Line, ...], text: str) -> tuple[Line, ...]:
    """Headings, and all lines of every item in which the text stands."""
    wanted = text.casefold()
    kept: list[Line] = []
    seen = False
    for page, item in groupby(rows, lambda row: row.opens):
        lines = list(item)
        seen = seen or page is not None
        if (page is None and not seen) or (page is not None and any(wanted in row.text.casefold() for row in lines)):
            kept += lines
    return tuple(kept)
