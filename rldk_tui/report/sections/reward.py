"""Whether the reward can be trusted: what was looked at, how the rewards were spread over the run, which were extreme."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rldk_tui.analysis.over_time import Placed
from rldk_tui.analysis.reward_reliability import reliability
from rldk_tui.analysis.rewards.aspects import Aspect
from rldk_tui.charts.heat_map import HeatMap
from rldk_tui.charts.line_chart import LineChart
from rldk_tui.events import Advice, Phase
from rldk_tui.metrics import title
from rldk_tui.report.figures import metric_chart
from rldk_tui.report.sections import Section
from rldk_tui.report.texts import Text, beginning
from rldk_tui.session import RunHealth

LONGEST = 240
"""Characters shown of a text in the table of extremes."""
_EXTREMES = 5
_HEAT_ROWS, _HEAT_COLUMNS = 10, 64
_WINDOWS = ("samples/window_mean", "samples/window_psi", "samples/window_between_prompts", "samples/window_inconsistent")
"""What `RewardModelIntegrator` wrote to the log, drawn over time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extreme:
    """A generation in the table of the lowest and the highest rewards."""

    reward: float
    step: int
    row: int
    length: int | None
    characters: int
    truncated: bool | None
    prompt: Text
    completion: Text


@dataclass(frozen=True, slots=True)
class Course:
    """A measure over time."""

    title: str
    chart: LineChart


@dataclass(frozen=True, slots=True, kw_only=True)
class Reward:
    """What is known of the reward.

    Attributes:
        subject: What the aspects are of.
        aspects: What was looked at.
        advice: What to change.
        heat: How the rewards are spread over time; None with fewer than two scored steps.
        drawn, steps: How many steps the heat map is of, and how many were scored.
        lowest, highest: The extreme rewards of the run; empty with one step.
        evaluated: Whether these are rewards of evaluations, where the training's own are not on record.
        courses: What `RewardModelIntegrator` measured beside the training.
    """

    subject: str
    aspects: tuple[Aspect, ...]
    advice: tuple[Advice, ...]
    heat: HeatMap | None = None
    drawn: int = 0
    steps: int = 0
    lowest: tuple[Extreme, ...] = ()
    highest: tuple[Extreme, ...] = ()
    evaluated: bool = False
    courses: tuple[Course, ...] = ()


def build(health: RunHealth) -> Reward | None:
    """None for a run that tells nothing of a reward."""
    found = reliability(health.rewards, health.snapshot)
    courses = _courses(health)
    if found is None:
        return Reward(subject="", aspects=(), advice=(), courses=courses) if courses else None
    account = found.account
    if account is None:
        return Reward(subject=found.subject, aspects=found.aspects, advice=found.advice, courses=courses)
    several = account.batches > 1
    return Reward(
        subject=found.subject,
        aspects=found.aspects,
        advice=found.advice,
        heat=account.heat(_HEAT_ROWS, _HEAT_COLUMNS),
        drawn=len(account.steps),
        steps=account.batches,
        lowest=tuple(map(_extreme, account.lowest[:_EXTREMES])) if several else (),
        highest=tuple(map(_extreme, account.highest[:_EXTREMES])) if several else (),
        evaluated=account.phase is Phase.EVAL,
        courses=courses,
    )


def _courses(health: RunHealth) -> tuple[Course, ...]:
    logged = set(health.snapshot.metric_names())
    series = (health.snapshot.series(name) for name in _WINDOWS if name in logged)
    return tuple(Course(title(one.name), metric_chart(one, health)) for one in series if len(one) > 1)


def _extreme(placed: Placed) -> Extreme:
    row = placed.completion
    return Extreme(
        reward=placed.reward if placed.reward is not None else math.nan,
        step=placed.step,
        row=placed.row,
        length=row.length,
        characters=len(row.completion),
        truncated=row.truncated,
        prompt=beginning(row.prompt, LONGEST),
        completion=beginning(row.completion, LONGEST),
    )


SECTION = Section(title="Reward", order=38, build=build, template="reward")
