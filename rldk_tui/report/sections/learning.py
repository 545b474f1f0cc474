"""Whether it learned: the curves of what is to be learned, where each began, was best and ended, and what its KL bought."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rldk_tui.charts.frontier import Frontier, frontier_of
from rldk_tui.metrics import Direction, lookup
from rldk_tui.report.cards import Cards, MetricCard, cards_of
from rldk_tui.report.sections import Section
from rldk_tui.report.themes import Theme, names_of
from rldk_tui.run import Kind, MetricSeries, RunSnapshot
from rldk_tui.session import RunHealth
from rldk_tui.statistics.windows import NOTHING_YET, rolling_median

WINDOW = 20
"""Logs whose median is a level: where a metric began, was best and ended."""


@dataclass(frozen=True, slots=True)
class Course:
    """Where a metric began, was best and ended; each is the median of `logs` neighbouring logs.

    Attributes:
        best_step: The middle of the logs at which it was best.
        logs: At most `WINDOW`, and at most a third of what was logged.
    """

    name: str
    title: str
    unit: str
    began: float
    best: float
    best_step: int
    ended: float
    logs: int


@dataclass(frozen=True, slots=True)
class Learning:
    """What was to be learned.

    Attributes:
        courses: Of the metrics that have a better and a worse.
        frontier: The reward against the KL over time; None where either is not logged.
    """

    courses: tuple[Course, ...]
    cards: Cards
    frontier: Frontier | None


def build(health: RunHealth) -> Learning | None:
    """None where nothing of it was logged."""
    snapshot = health.snapshot
    cards = cards_of(health, names_of(snapshot, Theme.LEARNING))
    if not cards:
        return None
    return Learning(tuple(_courses(snapshot, cards.drawn)), cards, _frontier(snapshot))


def _courses(snapshot: RunSnapshot, drawn: tuple[MetricCard, ...]) -> Iterator[Course]:
    for card in drawn:
        wanted = _wanted(card.name)
        course = None if wanted is Direction.NEITHER else _course(snapshot.series(card.name), card, wanted)
        if course is not None:
            yield course


def _wanted(name: str) -> Direction:
    """A loss has no direction in the catalogue, for in online training it is about 0; where it tells of learning it falls."""
    return Direction.DOWN if name.removeprefix("eval/") == "loss" else lookup(name).direction


def _course(series: MetricSeries, card: MetricCard, wanted: Direction) -> Course | None:
    known = series.kinds == Kind.FINITE
    steps, values = series.steps[known], series.values[known]
    logs = min(WINDOW, values.size // 3)
    if not logs:
        return None
    levels = rolling_median(values, NOTHING_YET, logs, logs)[0][logs - 1 :]
    best = int(np.argmax(levels) if wanted is Direction.UP else np.argmin(levels))
    return Course(
        name=card.name,
        title=card.title,
        unit=card.unit,
        began=float(levels[0]),
        best=float(levels[best]),
        best_step=int(steps[best + logs // 2]),
        ended=float(levels[-1]),
        logs=logs,
    )


def _frontier(snapshot: RunSnapshot) -> Frontier | None:
    kl, reward = snapshot.series("kl"), snapshot.series("reward")
    steps, mine, theirs = np.intersect1d(kl.steps, reward.steps, return_indices=True)
    return frontier_of(steps, kl.values[mine], reward.values[theirs], kl.unit)


SECTION = Section(title="Learning", order=26, build=build, template="learning")
