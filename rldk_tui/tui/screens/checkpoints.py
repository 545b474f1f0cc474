"""The run's checkpoints: a list to mark, compare and open, and the analysis that fills it, in a process of its own."""

from __future__ import annotations

import time
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.worker import Worker, WorkerState

from rldk_tui.charts.format import age, count, size
from rldk_tui.tui.cells import Box, Line, Span, Tone, cut, line, wrapped
from rldk_tui.tui.checkpoint_list import draw_checkpoints, to_analyse
from rldk_tui.tui.child import Answer, Ask
from rldk_tui.tui.key_line import key_line
from rldk_tui.tui.pages.checkpoint import row_at, step_of
from rldk_tui.tui.screens.tensors import TensorScreen, comparing, measuring
from rldk_tui.tui.screens.view_screen import ViewScreen
from rldk_tui.tui.view import View
from rldk_tui.tui.widgets.lines_view import LinesView
from rldk_tui.tui.widgets.scroll_view import ScrollView

_KEYS = (
    ("Esc", "back"), ("⏎", "tensors"), ("Space", "mark"), ("c", "compare"), ("a", "analyse"), ("x", "cancel"), ("?", "help"),
)  # fmt: skip
_MARKED = 2


class CheckpointsScreen(ViewScreen):
    """Lists what is recorded; reads no weights."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace,4", "app.pop_screen", show=False),
        Binding("space", "mark", show=False),
        Binding("c", "compare", show=False),
        Binding("a", "analyse", show=False),
        Binding("x", "cancel", show=False),
    ]
    DEFAULT_CSS = """
    CheckpointsScreen > #checkpoints { border: round $border; padding: 0 1; height: 1fr; border-title-color: $text-accent; }
    CheckpointsScreen > #checkpoints.ascii { border: ascii $border; }
    CheckpointsScreen > #keys { height: 1; background: $panel; }
    """

    def __init__(self, view: View, *, ascii: bool, ask: Ask, marked: tuple[int, ...] = ()) -> None:  # noqa: A002
        super().__init__()
        self._view = view
        self._ascii = ascii
        self._ask = ask
        self._marked = list(marked[:_MARKED])
        self._worker: Worker[Answer] | None = None
        self._what = ""
        self._begun = 0.0
        self._failure = ""

    def compose(self) -> ComposeResult:
        """The list and its keys."""
        yield ScrollView(id="checkpoints", ascii=self._ascii)
        yield LinesView(id="keys", ascii=self._ascii)

    def on_mount(self) -> None:
        """The cursor is in the list."""
        self.query_one("#checkpoints").set_class(self._ascii, "ascii")
        self.query_one("#checkpoints").focus()
        self._draw()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._draw()

    def on_screen_resume(self) -> None:
        """Draw what came while another screen lay on top."""
        self._draw()

    def show(self, view: View) -> None:
        """The run was looked at again."""
        self._view = view
        self._draw()

    def on_scroll_view_opened(self, message: ScrollView.Opened) -> None:
        """Open a checkpoint: what is recorded of it, and its tensors where they can be read."""
        message.stop()
        question = measuring(self._view, step_of(message.page))
        self.app.push_screen(TensorScreen(message.page, question, self._view, ascii=self._ascii, ask=self._ask))

    @property
    def marked(self) -> tuple[int, ...]:
        """The steps of the checkpoints that are marked, the last one last."""
        return tuple(self._marked)

    def action_mark(self) -> None:
        """Mark the checkpoint under the cursor, or take its mark away; of three the two marked last stay."""
        page = self.query_one("#checkpoints", ScrollView).here
        if page is None:
            return
        step = step_of(page)
        if step in self._marked:
            self._marked.remove(step)
        else:
            row = row_at(self._view, step)
            if row is None or row.deleted:
                self.notify("Its files are gone: there is nothing to compare with.", severity="warning", markup=False)
                return
            self._marked = [*self._marked, step][-_MARKED:]
        self._draw()

    def action_compare(self) -> None:
        """Compare the two that are marked."""
        if len(self._marked) < _MARKED:
            self.notify("Mark two checkpoints with Space, then c compares them.", markup=False)
            return
        page, question = comparing(self._view, *sorted(self._marked))
        self.app.push_screen(TensorScreen(page, question, self._view, ascii=self._ascii, ask=self._ask))

    def action_analyse(self) -> None:
        """Measure what is not analysed yet into the run's log."""
        if self._worker is not None:
            return
        waiting = to_analyse(self._view)
        if not waiting:
            self.notify("Every checkpoint that is there and can be read is analysed.", markup=False)
            return
        run = self._view.health.directory.absolute()
        bytes_ = sum(row.size or 0 for row in waiting)
        self._what = f"analysing {count(len(waiting))} checkpoint{'s' * (len(waiting) > 1)} ({size(bytes_)})"
        self._begun, self._failure = time.monotonic(), ""
        paths = [str(run / (row.path or "")) for row in waiting]
        question = self._ask("checkpoints", "--record", str(run), *paths)
        self._worker = self.run_worker(question, group="analysis", exit_on_error=False)
        self._draw()

    def action_cancel(self) -> None:
        """End the analysis that runs."""
        if self._worker is not None:
            self._worker.cancel()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """The analysis ended, one way or another."""
        if event.worker is not self._worker or event.state in {WorkerState.PENDING, WorkerState.RUNNING}:
            return
        self._worker = None
        if event.state is WorkerState.CANCELLED:
            self._failure = "The analysis was cancelled; what it had finished stays in the log."
        else:
            answer = event.worker.result
            self._failure = f"No analysis: {answer.sentence}" if answer is not None and answer.failed else ""
            if answer is None:
                self._failure = f"No analysis: {event.worker.error}"
        self._draw()

    def _said(self, box: Box) -> tuple[Line, ...]:
        if self._worker is not None:
            ago = age(time.monotonic() - self._begun)
            return (cut(line(Span(f"{self._what} for {ago} …", Tone.INFO), Span("  x cancels", Tone.DIM)), box.width),)
        return wrapped(self._failure, box.width, Tone.WARNING)[:3] if self._failure else ()

    def _draw(self) -> None:
        if not self.children:
            return
        shown, box = self.query_one("#checkpoints", ScrollView), self.room
        drawing = draw_checkpoints(self._view, box, self._marked, self._said(box))
        room = max(0, box.height - _LEAST) if box.height is not None else len(drawing.footer)
        shown.show(drawing.lines, drawing.footer[-room:] if room else (), "Checkpoints", drawing.note)
        self.query_one("#keys", LinesView).show((key_line(_KEYS, self.app.size.width),))


_LEAST = 4
"""Lines of the list that stay in sight, however much is to be said below them."""
