"""What the policy wrote at the latest logged step, worst reward first; with room enough, what it wrote over the whole run."""

from __future__ import annotations

from rldk_tui.analysis.generations import total_reward, why_none
from rldk_tui.analysis.over_time import Placed
from rldk_tui.charts.format import count, number
from rldk_tui.charts.heat_map import heat_lines
from rldk_tui.charts.text import one_line
from rldk_tui.events import Completion, Completions, Phase
from rldk_tui.tui.cells import Box, Drawing, Line, Span, Tone, left, line, right, wrapped
from rldk_tui.tui.pages.generation import generation_page, length_of, placed_page
from rldk_tui.tui.pages.reward import reward_line
from rldk_tui.tui.panels import Panel, Place
from rldk_tui.tui.view import View

_REWARD, _LENGTH = 7, 10
_MOST_PROMPT = 300
_ROOMY = 16
"""Rows from which on the whole run is shown above the latest step."""
_HEAT_ROWS, _MOST_COLUMNS = 5, 64
_EXTREMES, _TALL = 2, 24
"""Extremes of either end; one more where there are so many rows."""
_LEAST_SHARED = 16
"""A beginning that all prompts share says nothing of any; a shorter one is not worth cutting."""


def draw(view: View, box: Box) -> Drawing:
    """A row a completion: reward, length, whether it was cut off, prompt and text."""
    latest, told = _latest(view), reward_line(view)
    if latest is None or not latest.rows:
        return Drawing((*((told,) if told else ()), *_why_none(view, box.width)))
    ranked = sorted(enumerate(latest.rows), key=lambda item: _worst_first(item[1]))
    shared = _shared_beginning(latest.rows)
    room = max(0, box.width - _REWARD - 1 - _LENGTH - 3)
    prompt_width = min(max(12, room * 2 // 5), max(len(row.prompt) - len(shared) for row in latest.rows) + 1)
    head = right("reward", _REWARD) + " " + right("length", _LENGTH) + "   " + left("prompt", prompt_width) + "  completion"
    rows = [line(Span(left(head, box.width).rstrip(), Tone.DIM))]
    rows += [_row(row, latest, index, (len(shared), prompt_width, room)) for index, row in ranked]
    phase = "" if latest.phase is Phase.TRAIN else f" ({latest.phase.value})"
    note = f"step {count(latest.step)}{phase} · {count(len(latest.rows))} completions · worst reward first"
    above = _whole_run(view, box) if box.height is not None and box.height >= _ROOMY else []
    if above:
        above += [line(Span(f"Step {count(latest.step)}{phase}", Tone.ACCENT))]
    return Drawing((*((told,) if told else ()), *above, *rows), note=note)


def _whole_run(view: View, box: Box) -> list[Line]:
    """How the rewards are spread over time, and the lowest and the highest; nothing where there is one step only."""
    account = view.health.rewards
    heat = None if account is None else account.heat(_HEAT_ROWS, min(_MOST_COLUMNS, max(1, box.width - _REWARD - 1)))
    if account is None or heat is None:
        return []
    rows = [line(Span("Reward over time", Tone.ACCENT), Span(" · each column adds up to its step's replies", Tone.DIM))]
    for label, cells in heat_lines(heat, max(1, box.width - _REWARD - 1), ascii=box.ascii):
        tone = Tone.CHART if label else Tone.DIM
        rows.append(line(Span(right(label, _REWARD), Tone.DIM), " ", Span(cells, tone)))
    most = _EXTREMES + (box.height is not None and box.height >= _TALL)
    for title, chosen in (("Lowest rewards", account.lowest[:most]), ("Highest rewards", account.highest[:most])):
        if chosen:
            rows.append(line(Span(title, Tone.ACCENT), Span(f" of {count(account.batches)} steps", Tone.DIM)))
            rows += [_extreme(placed, box.width) for placed in chosen]
    return rows


def _extreme(placed: Placed, width: int) -> Line:
    row = placed.completion
    step = right(f"step {count(placed.step)}", _LENGTH)
    facts = (Span(right(number(placed.reward), _REWARD), Tone.STRONG), " ", Span(right(length_of(row), _LENGTH)))
    cut_off = Span(" ✂ " if row.truncated else "   ", Tone.WARNING)
    room = max(0, width - _REWARD - 1 - 2 * _LENGTH - 3 - 2)
    text = Span(left(one_line(row.completion[: 4 * room + 4]), room).rstrip())
    return line(*facts, cut_off, Span(step, Tone.DIM), "  ", text, opens=placed_page(placed))


def _latest(view: View) -> Completions | None:
    """The training's own newest completions; those of an evaluation only where there are no others."""
    logged = view.health.snapshot.completions
    training = [completions for completions in logged[-2:] if completions.phase is Phase.TRAIN]
    candidates = training or logged
    return candidates[-1] if candidates else None


def _worst_first(row: Completion) -> tuple[bool, float]:
    reward = total_reward(row)
    return (reward is not None, reward if reward is not None else 0.0)


def _shared_beginning(rows: tuple[Completion, ...]) -> str:
    prompts = [row.prompt for row in rows]
    first, last = min(prompts), max(prompts)  # whatever these two share, all between them share too
    length = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), 0)
    return first[:length] if length >= _LEAST_SHARED else ""


def _row(row: Completion, latest: Completions, index: int, room: tuple[int, int, int]) -> Line:
    shared, prompt_width, rest = room
    reward = total_reward(row)
    beginning = "…" if shared else ""
    prompt = left(beginning + one_line(row.prompt[shared : shared + _MOST_PROMPT]), prompt_width)
    text_width = max(0, rest - prompt_width - 2)
    return line(
        Span(
            right(number(reward) if reward is not None else "none", _REWARD),
            Tone.STRONG if reward is not None else Tone.WARNING,
        ),
        " ",
        Span(right(length_of(row), _LENGTH)),
        Span(" ✂ " if row.truncated else "   ", Tone.WARNING),
        Span(prompt, Tone.DIM),
        "  ",
        Span(left(one_line(row.completion[: 4 * text_width + 4]), text_width).rstrip()),
        opens=generation_page(latest, index),
    )


def _why_none(view: View, width: int) -> tuple[Line, ...]:
    why = why_none(view.health.snapshot.info.algorithm) or "This trainer samples nothing."
    return wrapped(why.replace("`", ""), width, Tone.DIM)


def _wants(view: View, width: int) -> int:
    latest = _latest(view)
    told = reward_line(view) is not None
    return told + (len(_why_none(view, width)) if latest is None else len(latest.rows) + 1)


PANEL = Panel(name="generations", key="3", order=3, place=Place.BOTTOM, least=4, wants=_wants, draw=draw)
