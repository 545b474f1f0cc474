"""One completion in full, beside the other answers to its prompt: those of its step and those of other steps."""

from __future__ import annotations

from rldk_tui.analysis.generations import total_reward
from rldk_tui.analysis.gibberish import DISORDER
from rldk_tui.analysis.over_time import Placed, mean_reward, same_prompt
from rldk_tui.charts.format import NOTHING, count, number, signed
from rldk_tui.charts.text import lines, one_line
from rldk_tui.events import Completion, Completions
from rldk_tui.tui.cells import Box, Line, Page, Span, Tone, left, line, right, wrapped
from rldk_tui.tui.recalled import Recalled
from rldk_tui.tui.view import View

_MOST = 20_000
"""Characters of a text that are shown."""
_MOST_ANSWERS = 32
"""Answers of a group, and other steps, that are listed."""
_PLACE, _REWARD, _ADVANTAGE, _LENGTH = 7, 7, 7, 10


def length_of(row: Completion) -> str:
    """Its length in tokens where the trainer said so, else in characters."""
    return f"{count(row.length)} tok" if row.length is not None else f"{count(len(row.completion))} char"


def generation_page(completions: Completions, index: int, listed: str = "") -> Page:
    """The page of one row; `listed` tells the lists apart that it stands in, for each has a line of its own."""
    row = completions.rows[index]
    key = f"generation:{completions.phase.value}:{completions.step}:{index}:{listed}"
    return Page(
        key,
        _title(completions.step, index),
        lambda view, box: (*_draw(row, view, box), *_others(view, completions, index, box)),
    )


def placed_page(placed: Placed) -> Page:
    """The page of one of the run's extremes; the texts of its step may have to be read again."""
    key = f"generation:{placed.phase.value}:{placed.step}:{placed.row}:extreme"
    recalled = Recalled(placed.step, placed.phase)

    def draw(view: View, box: Box) -> tuple[Line, ...]:
        others = recalled.of(view)
        about = _others(view, others, placed.row, box) if isinstance(others, Completions) else [line(), *_unread(others, box)]
        return (*_draw(placed.completion, view, box), *about)

    return Page(key, _title(placed.step, placed.row), draw)


def _title(step: int, row: int) -> str:
    """Its place as findings and `rldk generations` tell it: rows count from 0."""
    return f"Completion · step {count(step)} · row {count(row)}"


def _unread(problem: str, box: Box) -> tuple[Line, ...]:
    return wrapped(f"The other answers of this step: {problem}.", box.width, Tone.DIM)


def _draw(row: Completion, view: View, box: Box) -> tuple[Line, ...]:
    facts = [line(Span("reward      ", Tone.DIM), Span(number(total_reward(row), 4), Tone.STRONG))]
    if len(row.rewards) > 1 or total_reward(row) is None:
        facts += [
            line(Span("            ", Tone.DIM), f"{name} {'None' if value is None else number(value, 4)}")
            for name, value in row.rewards.items()
        ]
    if row.advantage is not None:
        facts.append(line(Span("advantage   ", Tone.DIM), number(row.advantage, 4)))
    cut_off = Span("  ✂ cut off before it ended", Tone.WARNING) if row.truncated else Span("")
    facts.append(line(Span("length      ", Tone.DIM), length_of(row), cut_off))
    return (
        *facts,
        *_order(row, view),
        line(),
        line(Span("Prompt", Tone.ACCENT)),
        *_text(row.prompt, box.width, Tone.DIM),
        line(),
        line(Span("Completion", Tone.ACCENT)),
        *_text(row.completion, box.width, Tone.PLAIN),
    )


def _order(row: Completion, view: View) -> tuple[Line, ...]:
    """Whether it is text at all, by what this run's text is made of."""
    disorder = view.health.disorder(row.completion)
    if disorder is None:
        return ()
    label = Span("text        ", Tone.DIM)
    if disorder > DISORDER:
        return (line(label, Span(f"none: its characters stand in random order ({disorder:.2f})", Tone.WARNING)),)
    return (line(label, f"yes ({disorder:.2f}; in random order it would be 1)"),)


def _text(text: str, width: int, tone: Tone) -> list[Line]:
    if not text:
        return [line(Span("(empty)", Tone.DIM))]
    return [row for paragraph in lines(text, _MOST) for row in wrapped(paragraph, width, tone)]


def _others(view: View, completions: Completions, index: int, box: Box) -> list[Line]:
    """The group it was compared with, and the same prompt at other steps."""
    prompt = completions.rows[index].prompt
    here: tuple[Placed, ...] = ()
    elsewhere = []
    held = {(log.step, log.phase): log for log in (*view.health.snapshot.completions, completions)}
    for log, answers in same_prompt([held[key] for key in sorted(held)], prompt, completions.phase):
        if log.step == completions.step:
            here = answers
        else:
            elsewhere.append((log, answers))
    return [*_group(here, index, box), *_other_steps(elsewhere, box)]


def _group(answers: tuple[Placed, ...], index: int, box: Box) -> list[Line]:
    if len(answers) < 2:
        return []
    mean = mean_reward(answers)
    told = f" · {count(len(answers))} answers to this prompt" + ("" if mean is None else f", mean reward {number(mean)}")
    head = f"{'row':>{_PLACE}} {'reward':>{_REWARD}} {'adv.':>{_ADVANTAGE}} {'length':>{_LENGTH}}"
    rows = [line(), line(Span("Group", Tone.ACCENT), Span(told, Tone.DIM)), line(Span(head, Tone.DIM))]
    ranked = sorted(answers, key=lambda placed: -(placed.reward if placed.reward is not None else float("-inf")))
    for placed in ranked[:_MOST_ANSWERS]:
        place = f"{'▸ ' if placed.row == index else ''}{placed.row}"
        rows.append(_answer(place, placed, box, Tone.STRONG if placed.row == index else Tone.PLAIN))
    if len(ranked) > _MOST_ANSWERS:
        rows.append(line(Span(f"and {count(len(ranked) - _MOST_ANSWERS)} more", Tone.DIM)))
    return rows


def _other_steps(logs: list[tuple[Completions, tuple[Placed, ...]]], box: Box) -> list[Line]:
    """The best answer of each other step."""
    if not logs:
        return []
    rows = [line(), line(Span("The same prompt at other steps", Tone.ACCENT), Span(" · the best answer of each", Tone.DIM))]
    rows.append(line(Span(f"{'step':>{_PLACE}} {'reward':>{_REWARD}} {'adv.':>{_ADVANTAGE}} {'length':>{_LENGTH}}", Tone.DIM)))
    for log, answers in logs[-_MOST_ANSWERS:]:
        best = max(answers, key=lambda placed: placed.reward if placed.reward is not None else float("-inf"))
        rows.append(_answer(count(log.step), best, box, Tone.PLAIN))
    return rows


def _answer(place: str, placed: Placed, box: Box, tone: Tone) -> Line:
    row = placed.completion
    room = max(0, box.width - _PLACE - _REWARD - _ADVANTAGE - _LENGTH - 6)
    facts = (
        right(place, _PLACE),
        right("none" if placed.reward is None else number(placed.reward), _REWARD),
        right(NOTHING if row.advantage is None else signed(row.advantage), _ADVANTAGE),
        right(length_of(row), _LENGTH),
    )
    cut_off = Span(" ✂ " if row.truncated else "   ", Tone.WARNING)
    return line(Span(" ".join(facts), tone), cut_off, Span(left(one_line(row.completion[: 4 * room + 4]), room).rstrip(), tone))
