"""Every generation in memory as a table, with the group and the other steps of the one under the cursor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from rldk_tui.analysis.generations import why_none
from rldk_tui.charts.format import count
from rldk_tui.tui.cells import Box, Line, Span, Tone, line, wrapped
from rldk_tui.tui.generation_table import MOST, Choice, Order, Row, chosen_rows, table_lines
from rldk_tui.tui.key_line import key_line
from rldk_tui.tui.pages.answers_apart import answers_apart
from rldk_tui.tui.pages.generation import generation_page
from rldk_tui.tui.screens.view_screen import ViewScreen
from rldk_tui.tui.view import View
from rldk_tui.tui.widgets.lines_view import LinesView
from rldk_tui.tui.widgets.scroll_view import ScrollView

if TYPE_CHECKING:
    from rldk_tui.tui.widgets.search_line import SearchLine


class GenerationsScreen(ViewScreen):
    """What the policy wrote, over all steps."""

    keys = (
        ("Esc", "back"), ("⏎", "open"), ("s", "sort"), ("/", "search"), ("v", "group"), ("p", "prompt over the steps"),
        ("d", "against an earlier step"), ("0", "all"), ("c", "copy"), ("?", "help"),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "back", show=False),
        Binding("s", "sort", show=False),
        Binding("slash", "search", show=False, priority=True),
        Binding("v", "group", show=False),
        Binding("p", "prompt", show=False),
        Binding("d", "apart", show=False),
        Binding("0", "everything", show=False),
    ]
    DEFAULT_CSS = """
    GenerationsScreen > #table { border: round $border; padding: 0 1; height: 1fr; border-title-color: $text-accent; }
    GenerationsScreen > #table.ascii { border: ascii $border; }
    GenerationsScreen > #keys { height: 1; background: $panel; }
    """

    def __init__(self, view: View, *, ascii: bool, order: str = "") -> None:  # noqa: A002
        super().__init__()
        self._view = view
        self._ascii = ascii
        self._choice = Choice(Order(order) if order in list(Order) else Order.WORST)
        self._rows: list[Row] = []

    def compose(self) -> ComposeResult:
        """The table and its keys."""
        yield ScrollView(id="table", ascii=self._ascii)
        yield LinesView(id="keys", ascii=self._ascii)

    def on_mount(self) -> None:
        """The cursor is in the table."""
        self._table.set_class(self._ascii, "ascii")
        self._table.focus()
        self._draw()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._draw()

    def show(self, view: View) -> None:
        """The run was looked at again."""
        changed = view.health.snapshot.completions is not self._view.health.snapshot.completions
        self._view = view
        if changed:
            self._draw()

    @property
    def order(self) -> str:
        """How the table is sorted."""
        return self._choice.order.value

    @property
    def _table(self) -> ScrollView:
        return self.query_one("#table", ScrollView)

    def _here(self) -> Row | None:
        """The row under the cursor."""
        page = self._table.here
        return next((row for row in self._rows[:MOST] if generation_page(row.log, row.index, "table") == page), None)

    def action_back(self) -> None:
        """To the whole table, and from there to the screen before."""
        if replace(self._choice, order=Order.WORST) == Choice():
            self.dismiss()
        else:
            self.action_everything()

    def action_everything(self) -> None:
        """All rows again."""
        self._choose(Choice(self._choice.order))

    def action_sort(self) -> None:
        """The next order."""
        orders = list(Order)
        self._choose(replace(self._choice, order=orders[(orders.index(self._choice.order) + 1) % len(orders)]))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 # Textual's signature
        """While something is typed, a slash is one."""
        return action != "search" or not self.query("SearchLine")

    async def action_search(self) -> None:
        """Ask what prompt or completion are to hold."""
        from rldk_tui.tui.widgets.search_line import SearchLine, opened

        if not self.query(SearchLine):
            await opened(self, SearchLine(self._choice.wanted, "prompt or completion holds … then ⏎"))

    def on_search_line_given(self, message: SearchLine.Given) -> None:
        """Show those."""
        self._table.focus()
        self._choose(replace(self._choice, wanted=message.text))

    def action_group(self) -> None:
        """All answers to this prompt at this step, with their advantages."""
        here = self._here()
        if here is not None:
            self._choose(replace(self._choice, prompt=here.measured.completion.prompt, step=here.log.step, wanted=""))

    def action_prompt(self) -> None:
        """The answers to this prompt at every step."""
        here = self._here()
        if here is not None:
            self._choose(replace(self._choice, prompt=here.measured.completion.prompt, step=None, wanted=""))

    def action_apart(self) -> None:
        """This answer against the best one to its prompt at the step before."""
        here = self._here()
        if here is None:
            return
        answers = chosen_rows(self._view, Choice(prompt=here.measured.completion.prompt))
        earlier = [row for row in answers if row.log.step < here.log.step and row.log.phase is here.log.phase]
        if not earlier:
            self.notify("This prompt has no answer at an earlier step in memory.", markup=False)
            return
        best = next(row for row in earlier if row.log.step == earlier[-1].log.step)
        self.post_message(ScrollView.Opened(answers_apart(best, here)))

    def _choose(self, choice: Choice) -> None:
        self._choice = choice
        self._draw()
        self._table.to_top()

    def _note(self) -> str:
        known = self._view.health.snapshot.generations
        held = {log.step for log in self._view.health.snapshot.completions}
        parts = [
            f"{count(min(MOST, len(self._rows)))} of {count(len(self._rows))}"
            if len(self._rows) > MOST
            else count(len(self._rows))
        ]
        if self._choice.prompt is None:
            parts.append(self._choice.order.value)
        else:
            parts.append("one group" if self._choice.step is not None else "one prompt over the steps")
        parts += [f"holding {self._choice.wanted!r}"] if self._choice.wanted else []
        logged = {log.step for log in known}
        if len(logged) > len(held):
            parts.append(f"texts of {count(len(held))} of {count(len(logged))} logged steps (rldk generations reads all)")
        return " · ".join(parts)

    def _draw(self) -> None:
        if not self.children:
            return
        box = self.room
        self._rows = chosen_rows(self._view, self._choice)
        self._table.show(self._lines(box), (), "Generations", self._note())
        self.query_one("#keys", LinesView).show((key_line(self.keys, self.app.size.width),))

    def _lines(self, box: Box) -> tuple[Line, ...]:
        if self._rows:
            return table_lines(self._rows, box)
        if self._view.health.snapshot.completions:
            return (line(Span("Nothing fits; 0 shows all.", Tone.DIM)),)
        why = why_none(self._view.health.snapshot.info.algorithm) or "This trainer samples nothing."
        return wrapped(why.replace("`", ""), box.width, Tone.DIM)
