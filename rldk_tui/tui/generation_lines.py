"""Generations as lines for a shell: one below another, prompt by prompt, group by group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import isfinite, isnan

from rldk_tui.charts.format import NOTHING, count, number, signed
from rldk_tui.charts.text import lines, one_line
from rldk_tui.summary.generations.pairs import mean_reward
from rldk_tui.summary.generations.sample import Sample
from rldk_tui.tui.cells import Line, Span, Tone, cut, left, line, right, wrapped

MARK = 6
"""Digits of a prompt's hash that are shown: enough to name it by."""
EXCERPT_LINES = 3
_PROMPT_LINES = 2
LONGEST = 100_000
"""Characters of a text that are shown in full."""
INDENT = "    "
_BEFORE_HIT = 30
"""Characters shown before a text that was searched for."""
_LEAST_TEXT = 16
"""Columns below which a text stands on lines of its own."""
_COLUMNS = (("step", 7), ("row", 4), ("reward", 8), ("adv", 6), ("length", 11))


@dataclass(frozen=True, slots=True)
class Look:
    """How texts are shown.

    Attributes:
        full: Whole, line by line, or their beginnings.
        search: What was searched for: a beginning is shown around it.
    """

    width: int
    full: bool = False
    search: str | None = None


def sample_lines(samples: Iterable[Sample], look: Look) -> Iterator[Line]:
    """Each generation under a line of its facts, an empty line between two."""
    for index, sample in enumerate(samples):
        if index:
            yield line()
        yield from _wrapped_facts(_facts(sample), look.width)
        yield from prompt_text(sample.prompt, look)
        yield from text_lines(sample.completion, look, Tone.PLAIN, EXCERPT_LINES)


def prompt_lines(samples: Iterable[Sample], look: Look) -> Iterator[Line]:
    """Prompt by prompt: the prompt once, then all answers to it."""
    for index, (mark, members) in enumerate(groupby(samples, lambda one: one.prompt_hash)):
        answers = list(members)
        if index:
            yield line()
        steps = len({answer.step for answer in answers})
        told = f"{_many(len(answers), 'answer')} at {_many(steps, 'step')}"
        yield line(Span(f"prompt {mark}", Tone.ACCENT), Span(f" · {told}", Tone.DIM))
        yield from prompt_text(answers[0].prompt, look)
        yield from _table(answers, look)


def group_lines(samples: Iterable[Sample], look: Look) -> Iterator[Line]:
    """Group by group: the answers to one prompt at one step, the highest reward first."""
    groups = groupby(samples, lambda one: (one.step, one.phase, one.prompt_hash))
    for index, ((step, phase, mark), members) in enumerate(groups):
        answers = sorted(members, key=_highest_first)
        if index:
            yield line()
        place = Span(f"step {count(step)}{_phase(phase)}", Tone.STRONG)
        facts = (f"prompt {mark[:MARK]}", _many(len(answers), "answer"), *_spread(answers))
        yield from _wrapped_facts([place, *map(Span, facts)], look.width)
        yield from prompt_text(answers[0].prompt, look)
        yield from _table(answers, look)


def _facts(sample: Sample) -> list[Span]:
    facts = [Span(f"step {count(sample.step)}{_phase(sample.phase)}", Tone.STRONG), Span(f"row {count(sample.row)}")]
    facts.append(_rewards(sample))
    if sample.advantage is not None:
        facts.append(Span(f"advantage {signed(sample.advantage)}"))
    facts.append(Span(length_of(sample)))
    if sample.truncated:
        facts.append(Span("✂ truncated", Tone.WARNING))
    facts.append(Span(f"prompt {sample.prompt_hash[:MARK]}", Tone.DIM))
    return facts


def _rewards(sample: Sample) -> Span:
    """The sum and, of several reward functions, what each gave."""
    parts = ", ".join(f"{one_line(name, 40)} {number(value)}" for name, value in sample.rewards.items())
    each = f" ({parts})" if len(sample.rewards) > 1 else ""
    if sample.reward is None:
        return Span(f"no reward{each}", Tone.WARNING)
    return Span(f"reward {number(sample.reward, 4)}{each}", Tone.STRONG)


def _wrapped_facts(facts: Sequence[Span], width: int) -> Iterator[Line]:
    """Facts with dots between them, on as many lines as they need."""
    row: list[Span] = []
    used = 0
    for fact in facts:
        if row and used + 3 + fact.width > width:
            yield Line(tuple(row))
            row, used = [Span("  ")], 2
        elif row:
            row.append(Span(" · ", Tone.DIM))
            used += 3
        row.append(fact)
        used += fact.width
    yield Line(tuple(row))


def _phase(phase: str) -> str:
    return "" if phase == "train" else f" ({one_line(phase, 20)})"


def length_of(sample: Sample) -> str:
    """In tokens where the trainer said so, else in characters."""
    return _many(sample.length, "token") if sample.length is not None else _many(len(sample.completion), "character")


def _many(amount: int, thing: str) -> str:
    return f"{count(amount)} {thing}{'' if amount == 1 else 's'}"


def prompt_text(prompt: str, look: Look) -> Iterator[Line]:
    """A prompt as the look wants it."""
    return text_lines(prompt, look, Tone.DIM, _PROMPT_LINES, "  > ")


def text_lines(text: str, look: Look, tone: Tone, most: int, lead: str = INDENT) -> Iterator[Line]:
    """A text as the look wants it; `lead` stands before its first line."""
    if not text:
        yield line(lead, Span("(empty)", Tone.DIM))
        return
    room = max(8, look.width - len(INDENT))
    if look.full:
        rows = [row for paragraph in lines(text, LONGEST) for row in wrapped(paragraph, room, tone)]
    else:
        rows = _excerpt(text, look, tone, most)
    for index, row in enumerate(rows):
        yield Line((Span(lead if index == 0 else INDENT), *row.spans))


def _excerpt(text: str, look: Look, tone: Tone, most: int) -> list[Line]:
    """The beginning of a text, or what lies around what was searched for."""
    room = max(8, look.width - len(INDENT))
    hit = -1 if look.search is None else text.lower().find(look.search.lower())
    start = hit - _BEFORE_HIT if hit > room * (most - 1) else 0
    shown = text[start : start + room * (most + 1)]
    rows = list(wrapped(("…" if start else "") + one_line(shown), room, tone))
    if len(rows) <= most and start + len(shown) >= len(text):
        return rows
    kept = sum(len(row.text) for row in rows[:most])
    more = Span(f" … {count(max(1, len(text) - start - kept))} more", Tone.DIM)
    last = rows[most - 1] if len(rows) >= most else rows[-1]
    return [*rows[: most - 1], Line((*cut(last, room - more.width).spans, more))]


def _highest_first(sample: Sample) -> tuple[bool, float]:
    scored = sample.reward is not None and not isnan(sample.reward)
    return (not scored, -sample.reward if scored and sample.reward is not None else 0.0)


def _spread(answers: Sequence[Sample]) -> list[str]:
    """What a group has to learn from: its mean reward and how far apart the rewards are."""
    mean = mean_reward(answers)
    if mean is None:
        return ["no reward"]
    known = sorted({answer.reward for answer in answers if answer.reward is not None and isfinite(answer.reward)})
    apart = f"{number(known[0])} to {number(known[-1])}" if len(known) > 1 else "all the same"
    different = len({answer.completion for answer in answers})
    return [f"mean reward {number(mean)} ({apart})", f"{count(different)} different"]


def _table(answers: Sequence[Sample], look: Look) -> Iterator[Line]:
    used = 2 + sum(width + 1 for _, width in _COLUMNS) + 1
    head = " ".join(right(title, width) for title, width in _COLUMNS)
    yield line(Span(f"  {head}  completion", Tone.DIM))
    for answer in answers:
        reward = "none" if answer.reward is None else number(answer.reward)
        length = f"{count(answer.length)} tok" if answer.length is not None else f"{count(len(answer.completion))} char"
        cells = (
            count(answer.step),
            count(answer.row),
            reward,
            NOTHING if answer.advantage is None else signed(answer.advantage),
            length,
        )
        facts = " ".join(right(cell, width) for cell, (_, width) in zip(cells, _COLUMNS, strict=True))
        row = line(Span(f"  {facts} "), Span("✂" if answer.truncated else " ", Tone.WARNING))
        room = look.width - used
        if look.full or room < _LEAST_TEXT:
            yield row
            yield from text_lines(answer.completion, look, Tone.PLAIN, 1)
        else:
            text = answer.completion[: 4 * room]
            shown = Span(left(one_line(text), room).rstrip()) if text else Span("(empty)", Tone.DIM)
            yield Line((*row.spans, shown))
