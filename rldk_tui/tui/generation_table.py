"""All generations whose texts are in memory as one table: sorted, searched, by group, or one prompt over the steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from rldk_tui.analysis.generations import MeasuredCompletion, measure
from rldk_tui.charts.format import NOTHING, count, number, percent, signed
from rldk_tui.charts.text import one_line
from rldk_tui.events import Completions, Phase
from rldk_tui.tui.cells import Box, Line, Span, Tone, cut, left, line, right
from rldk_tui.tui.pages.generation import generation_page, length_of
from rldk_tui.tui.view import View

MOST = 400
"""Rows that are listed; the best by the chosen order."""
_STEP, _REWARD, _ADVANTAGE, _LENGTH, _REPETITION = 8, 8, 8, 10, 7
_MOST_FUNCTIONS, _FUNCTION = 3, 9
_WIDE, _MIDDLE = 110, 76


class Order(StrEnum):
    """What comes first."""

    WORST = "worst reward first"
    BEST = "best reward first"
    NEWEST = "newest first"
    LONGEST = "longest first"
    REPETITIVE = "most repetitive first"
    ADVANTAGE = "highest advantage first"


@dataclass(frozen=True, slots=True)
class Row:
    """One generation and where it stands.

    Attributes:
        index: Its place in its log.
    """

    log: Completions
    index: int
    measured: MeasuredCompletion

    @property
    def place(self) -> tuple[int, Phase, int]:
        """What tells it from every other."""
        return self.log.step, self.log.phase, self.index


@dataclass(frozen=True, slots=True)
class Choice:
    """What is looked at.

    Attributes:
        wanted: Text that prompt or completion holds, "" for any.
        prompt: The one prompt whose answers are shown; None for all.
        step: The one step; None for all. With a prompt it is its group.
    """

    order: Order = Order.WORST
    wanted: str = ""
    prompt: str | None = None
    step: int | None = None


def chosen_rows(view: View, choice: Choice) -> list[Row]:
    """The rows of a choice, in its order; one prompt over the steps is in the order of the steps."""
    logs = [log for log in view.health.snapshot.completions if choice.step is None or log.step == choice.step]
    rows = [Row(log, index, measured) for log in logs for index, measured in enumerate(_measured(_ById(log)))]
    wanted = choice.wanted.casefold()
    rows = [row for row in rows if _fits(row, choice, wanted)]
    if choice.prompt is not None and choice.step is None:
        return sorted(rows, key=lambda row: (row.log.step, -_number(row.measured.reward)))
    if choice.prompt is not None:
        return sorted(rows, key=lambda row: -_number(row.measured.reward))
    return sorted(rows, key=_KEYS[choice.order])


@dataclass(frozen=True, slots=True)
class _ById:
    """A log that equals itself alone: comparing two by their texts would cost more than measuring them."""

    log: Completions

    def __hash__(self) -> int:
        return id(self.log)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and other.log is self.log


@lru_cache(maxsize=64)
def _measured(by_id: _ById) -> tuple[MeasuredCompletion, ...]:
    return measure(by_id.log)


def _fits(row: Row, choice: Choice, wanted: str) -> bool:
    text = row.measured.completion
    if choice.prompt is not None and text.prompt != choice.prompt:
        return False
    return not wanted or wanted in text.completion.casefold() or wanted in text.prompt.casefold()


def _number(value: float | None) -> float:
    return -math.inf if value is None or math.isnan(value) else value


_KEYS: dict[Order, Callable[[Row], tuple[float, ...]]] = {
    Order.WORST: lambda row: (_number(row.measured.reward), -row.log.step, row.index),
    Order.BEST: lambda row: (-_number(row.measured.reward), -row.log.step, row.index),
    Order.NEWEST: lambda row: (-row.log.step, row.index),
    Order.LONGEST: lambda row: (-(row.measured.completion.length or row.measured.words), -row.log.step),
    Order.REPETITIVE: lambda row: (-_number(row.measured.repetition), -row.log.step),
    Order.ADVANTAGE: lambda row: (-_number(row.measured.completion.advantage), -row.log.step),
}


def table_lines(rows: list[Row], box: Box) -> tuple[Line, ...]:
    """A heading, then a line a generation."""
    functions = list(dict.fromkeys(name for row in rows[:MOST] for name in row.measured.completion.rewards))
    shown = functions if 1 < len(functions) <= _MOST_FUNCTIONS and box.width >= _WIDE else []
    head = right("step", _STEP) + right("reward", _REWARD)
    head += "".join(right(name, _FUNCTION) for name in shown)
    if box.width >= _MIDDLE:
        head += right("adv.", _ADVANTAGE)
    head += right("length", _LENGTH) + "   " + right("repeats", _REPETITION) + "  "
    longest = max((len(row.measured.completion.prompt) for row in rows[:MOST]), default=0)
    prompt = max(12, min((box.width - len(head)) // 3, longest))
    head += left("prompt", prompt) + "  completion"
    lines = [line(Span(left(head, box.width).rstrip(), Tone.DIM))]
    return (*lines, *(_line(row, shown, prompt, box) for row in rows[:MOST]))


def _line(row: Row, functions: list[str], prompt: int, box: Box) -> Line:
    text, measured = row.measured.completion, row.measured
    phase = "" if row.log.phase is Phase.TRAIN else "e"
    facts = right(count(row.log.step) + phase, _STEP)
    reward = right("none" if measured.reward is None else number(measured.reward), _REWARD)
    each = "".join(right(number(text.rewards.get(name)), _FUNCTION) for name in functions)
    advantage = right(NOTHING if text.advantage is None else signed(text.advantage), _ADVANTAGE) if box.width >= _MIDDLE else ""
    repetition = right(NOTHING if measured.repetition is None else percent(measured.repetition), _REPETITION)
    used = len(facts) + len(reward) + len(each) + len(advantage) + _LENGTH + 3 + _REPETITION + 2
    room = max(0, box.width - used - prompt - 2)
    shown = line(
        Span(facts, Tone.DIM),
        Span(reward, Tone.STRONG if measured.reward is not None else Tone.WARNING),
        each,
        advantage,
        right(length_of(text), _LENGTH),
        Span(" ✂ " if text.truncated else "   ", Tone.WARNING),
        Span(repetition, Tone.WARNING if (measured.repetition or 0.0) > _LOOPING else Tone.DIM),
        "  ",
        Span(left(one_line(text.prompt[: 4 * prompt]), prompt), Tone.DIM),
        "  ",
        Span(left(one_line(text.completion[: 4 * room + 4]), room).rstrip()),
        opens=generation_page(row.log, row.index, "table"),
    )
    return cut(shown, box.width)


_LOOPING = 0.5
