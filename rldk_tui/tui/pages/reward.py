"""Whether the reward can be trusted: what was looked at, how the rewards were spread over the run, which were extreme."""

from __future__ import annotations

from rldk_tui.analysis.over_time import Placed
from rldk_tui.analysis.reward_record import RewardAccount
from rldk_tui.analysis.reward_reliability import Reliability, reliability
from rldk_tui.analysis.rewards.aspects import Aspect
from rldk_tui.analysis.rewards.patterns import FEWEST_REWARDS, PatternName
from rldk_tui.charts.format import count, number
from rldk_tui.charts.heat_map import heat_lines
from rldk_tui.charts.text import one_line
from rldk_tui.events import Advice
from rldk_tui.tui.cells import Box, Line, Page, Span, Tone, cut, left, line, right, wrapped
from rldk_tui.tui.pages.generation import placed_page
from rldk_tui.tui.view import View

_NAME, _REWARD, _STEP = 14, 8, 12
_HEAT_ROWS, _MOST_COLUMNS = 10, 96
_MOST_WIDTH = 110
"""Longer lines of prose are hard to read."""
_PROMPT = 28
_TELLING = ("Pattern", "Stability", "Variance")


def reward_page() -> Page:
    """The page behind the generations' first line."""
    return Page("reward", "Can this reward be trusted?", _draw)


def reward_line(view: View) -> Line | None:
    """What was found, in one line that opens the page; None where the run tells nothing of a reward, or too little yet."""
    account = view.health.rewards
    found = reliability(account, view.health.snapshot)
    if found is None or (account is not None and account.reliability.seen < FEWEST_REWARDS):
        return None
    spans: list[Span] = [Span("Reward", Tone.ACCENT)]
    foremost = _foremost(found)
    if not foremost:
        spans.append(Span(" · too little to judge yet", Tone.DIM))
    for aspect in foremost:
        spans += [Span(" · ", Tone.DIM), Span(_short(aspect), Tone.WARNING if aspect.trouble else Tone.PLAIN)]
    return line(*spans, opens=reward_page())


def _foremost(found: Reliability) -> tuple[Aspect, ...]:
    """Trouble first; of what is well only what tells most."""
    telling = [aspect for aspect in found.aspects if found.account is None or aspect.name in _TELLING]
    told = [aspect for aspect in found.aspects if aspect.trouble or (aspect in telling and not aspect.told.startswith("not "))]
    return tuple(sorted(told, key=lambda aspect: not aspect.trouble))


def _short(aspect: Aspect) -> str:
    if aspect.told == PatternName.UNCLEAR:
        return "no clear pattern"
    return aspect.told if aspect.name.startswith("Pattern") else f"{aspect.name.lower()} {aspect.told}"


def _draw(view: View, box: Box) -> tuple[Line, ...]:
    found = reliability(view.health.rewards, view.health.snapshot)
    if found is None:
        return (line(Span("Nothing that was scored is on record.", Tone.DIM)),)
    width = min(box.width, _MOST_WIDTH)
    rows = [*wrapped(f"What follows is of {found.subject}. It is evidence, not proof.", width, Tone.DIM), line()]
    for aspect in found.aspects:
        rows += _aspect(aspect, width)
    if found.advice:
        rows += [line(), line(Span("What to change", Tone.ACCENT))]
        for advice in found.advice:
            rows += _advice(advice, width)
    if found.account is not None:
        rows += _over_time(found.account, box)
        rows += _extremes("Lowest rewards", found.account.lowest, box)
        rows += _extremes("Highest rewards", found.account.highest, box)
    return tuple(cut(row, box.width) for row in rows)


def _aspect(aspect: Aspect, width: int) -> list[Line]:
    head = line(
        Span(left(aspect.name, _NAME), Tone.DIM),
        Span(("! " if aspect.trouble else "") + aspect.told, Tone.WARNING if aspect.trouble else Tone.STRONG),
    )
    return [head, *wrapped(aspect.evidence, width, indent=" " * _NAME)]


def _advice(advice: Advice, width: int) -> list[Line]:
    rows = list(wrapped(advice.text, width, indent="  "))
    if advice.parameter and advice.proposed:
        today = "" if advice.current is None else f"   today {one_line(str(advice.current), 40)}"
        change = Span(f"    {advice.parameter}", Tone.STRONG), Span(f"{today}  →  ", Tone.DIM), Span(advice.proposed, Tone.GOOD)
        rows.append(line(*change))
    return rows


def _over_time(account: RewardAccount, box: Box) -> list[Line]:
    columns = min(_MOST_COLUMNS, max(1, box.width - _REWARD - 1))
    heat = account.heat(_HEAT_ROWS, columns)
    if heat is None:
        return []
    drawn = "" if len(account.steps) == account.batches else f", {count(len(account.steps))} of {count(account.batches)} steps"
    told = f" · a column is a step or a few, and adds up to its replies{drawn}"
    rows = [line(), line(Span("Reward over time", Tone.ACCENT), Span(told, Tone.DIM))]
    for label, cells in heat_lines(heat, columns, ascii=box.ascii):
        rows.append(line(Span(right(label, _REWARD), Tone.DIM), " ", Span(cells, Tone.CHART if label else Tone.DIM)))
    return rows


def _extremes(title: str, chosen: tuple[Placed, ...], box: Box) -> list[Line]:
    if not chosen:
        return []
    rows = [line(), line(Span(title, Tone.ACCENT), Span(" · of the whole run; step/row", Tone.DIM))]
    room = max(0, box.width - _REWARD - _STEP - 2)
    asked = min(_PROMPT, room // 3)
    for placed in chosen:
        prompt = left(one_line(placed.completion.prompt[-4 * asked - 4 :]), asked)
        text = left(one_line(placed.completion.completion[: 4 * room]), max(0, room - asked - 2)).rstrip()
        rows.append(
            line(
                Span(right(number(placed.reward), _REWARD), Tone.STRONG),
                Span(right(f"{placed.step}/{placed.row}", _STEP), Tone.DIM),
                "  ",
                Span(prompt, Tone.DIM),
                "  ",
                Span(text),
                opens=placed_page(placed),
            )
        )
    return rows
