"""The tensors of a checkpoint, or of two against each other: measured by a child process while the screen is open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.worker import Worker, WorkerState

from rldk_tui.analysis.saved_checkpoints import CheckpointState
from rldk_tui.charts.format import age, count
from rldk_tui.tui.cells import Box, Line, Page, Span, Tone, line, wrapped
from rldk_tui.tui.child import Ask
from rldk_tui.tui.key_line import key_line
from rldk_tui.tui.pages.checkpoint import row_at
from rldk_tui.tui.screens.view_screen import ViewScreen
from rldk_tui.tui.table_lines import TableLines
from rldk_tui.tui.tensor_tables import TensorTable, analysis_table, comparison_table
from rldk_tui.tui.view import View
from rldk_tui.tui.widgets.lines_view import LinesView
from rldk_tui.tui.widgets.table_view import TableView

_NOTHING = TensorTable((), (), ())


@dataclass(frozen=True, slots=True)
class Question:
    """What a child process is asked.

    Attributes:
        arguments: Of `rldk`.
        doing: What is said while it works.
        table: Its answer as a table.
    """

    arguments: tuple[str, ...]
    doing: str
    table: Callable[[bytes], TensorTable]


def measuring(view: View, step: int) -> Question | None:
    """The question for the tensors of a checkpoint; None where there is nothing to read."""
    row = row_at(view, step)
    if row is None or row.path is None or row.state in {CheckpointState.DELETED, CheckpointState.UNREADABLE}:
        return None
    run = view.health.directory.absolute()
    arguments = ("checkpoints", str(run / row.path), "--json", "--run", str(run))
    return Question(arguments, "measuring every tensor", analysis_table)


def comparing(view: View, before: int, after: int) -> tuple[Page, Question]:
    """The page and the question for two checkpoints against each other."""
    run = view.health.directory.absolute()
    paths = [str(run / row.path) for step in (before, after) if (row := row_at(view, step)) is not None and row.path]
    page = Page(f"compare {before} {after}", f"Step {count(before)} → step {count(after)}", lambda _view, _box: ())
    return page, Question(("checkpoints", *paths, "--json"), "comparing every tensor", comparison_table)


class TensorScreen(ViewScreen):
    """A page with a table below it; the child that fills the table ends with the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "app.pop_screen", show=False),
        Binding("x", "cancel", show=False),
    ]
    DEFAULT_CSS = """
    TensorScreen > #tensors { border: round $border; padding: 0 1; height: 1fr; border-title-color: $text-accent; }
    TensorScreen > #tensors.ascii { border: ascii $border; }
    TensorScreen > #keys { height: 1; background: $panel; }
    """

    def __init__(self, page: Page, question: Question | None, view: View, *, ascii: bool, ask: Ask) -> None:  # noqa: A002
        super().__init__()
        self._page = page
        self._question = question
        self._view = view
        self._ascii = ascii
        self._ask = ask
        self._table: TensorTable | None = None
        self._worker: Worker[TensorTable] | None = None
        self._begun = time.monotonic()
        self._failure = ""
        self._drawn: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """The table and its keys."""
        yield TableView(id="tensors", ascii=self._ascii)
        yield LinesView(id="keys", ascii=self._ascii)

    def on_mount(self) -> None:
        """Ask; the page is shown at once."""
        self.query_one("#tensors").set_class(self._ascii, "ascii")
        self.query_one("#tensors").focus()
        self._draw()
        if self._question is not None:
            self._worker = self.run_worker(self._tensors(self._question), exit_on_error=False)

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._draw()

    def show(self, view: View) -> None:
        """The run was looked at again."""
        self._view = view
        self._draw()

    def action_cancel(self) -> None:
        """End the child; what is recorded stays on the screen."""
        if self._worker is not None:
            self._worker.cancel()

    async def _tensors(self, question: Question) -> TensorTable:
        answer = await self._ask(*question.arguments)
        if answer.failed:
            raise _NoAnswerError(answer.sentence)
        try:
            return await asyncio.to_thread(question.table, answer.said)
        except msgspec.MsgspecError as failure:
            raise _NoAnswerError(f"what it said cannot be read ({failure})") from failure

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """The child answered, or did not."""
        if event.worker is not self._worker or event.state in {WorkerState.PENDING, WorkerState.RUNNING}:
            return
        self._worker = None
        if event.state is WorkerState.SUCCESS:
            self._table = event.worker.result
        else:
            cancelled = event.state is WorkerState.CANCELLED
            self._failure = "Cancelled." if cancelled else f"No table: {event.worker.error}"
        self._draw()

    def _above(self, box: Box) -> tuple[Line, ...]:
        """What is recorded, and how the table is coming."""
        rows = list(self._page.draw(self._view, box))
        if self._worker is not None and self._question is not None:
            ago = age(time.monotonic() - self._begun)
            told = [line(Span(f"{self._question.doing} for {ago} …", Tone.INFO), Span("  x cancels", Tone.DIM))]
        else:
            told = list(wrapped(self._failure, box.width, Tone.WARNING)) if self._failure else []
        told += [row for remark in (self._table or _NOTHING).remarks for row in wrapped(remark, box.width, Tone.DIM)]
        return (*rows, *([line()] if rows and told else []), *told)

    def _draw(self) -> None:
        if not self.children:
            return
        box = self.room
        above = self._above(box)
        drawn = (above, self._table, box)
        if drawn != self._drawn:
            self._drawn = drawn
            shown = self.query_one("#tensors", TableView)
            shown.show_table(TableLines(above, self._table or _NOTHING, box.width), self._page.title)
        keys = (("Esc", "back"), ("↑ ↓", "scroll"), ("x", "cancel"), ("q", "quit"))
        self.query_one("#keys", LinesView).show((key_line(keys, self.app.size.width),))


class _NoAnswerError(Exception):
    """The child did not answer; the text says why."""
