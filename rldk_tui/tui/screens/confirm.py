"""A question before something that reaches beyond the monitor."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from rldk_tui.tui.cells import Span, Tone, line, wrapped
from rldk_tui.tui.widgets.lines_view import LinesView

_WIDTH = 64


class ConfirmScreen(ModalScreen[bool]):
    """`y` means yes; every other key means no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "decide(True)", show=False),
        Binding("n,escape,enter,q", "decide(False)", show=False),
    ]
    DEFAULT_CSS = """
    ConfirmScreen { align: center middle; }
    ConfirmScreen > #question { width: 68; max-width: 100%; border: round $warning; padding: 1 2; background: $surface; }
    ConfirmScreen > #question.ascii { border: ascii $warning; }
    """

    def __init__(self, question: tuple[str, ...], *, ascii: bool) -> None:  # noqa: A002
        super().__init__()
        self._question = question
        self._ascii = ascii

    def compose(self) -> ComposeResult:
        """The question alone."""
        yield LinesView(id="question", ascii=self._ascii, can_focus=True)

    def on_mount(self) -> None:
        """Ask."""
        first, *more = self._question
        width = min(_WIDTH, self.size.width - 6)
        rows = [*wrapped(first, width, Tone.STRONG), line()]
        for text in more:
            rows += [*wrapped(text, width, Tone.DIM), line()]
        rows.append(line(Span("y", Tone.ACCENT), " yes   ", Span("any other key", Tone.ACCENT), " no"))
        shown = self.query_one("#question", LinesView)
        shown.set_class(self._ascii, "ascii")
        shown.styles.height = len(rows) + 4
        shown.show(tuple(rows))
        shown.focus()

    def action_decide(self, meant: bool) -> None:  # an action's argument comes by position
        """Close with the answer."""
        self.dismiss(meant)
