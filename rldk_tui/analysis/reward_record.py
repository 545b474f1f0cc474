"""What the rewards of a run's own generations tell: whether they can be trusted, how they were spread, which were extreme.

Every generation on record is counted, also those whose texts are not in memory any more. Memory is bounded: the rewards of
`STEPS` steps at most, drawn evenly over the run, an even sample of `REWARDS` of each, the newest thousand in full, and the
texts of `EXTREMES` at either end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import zip_longest

import numpy as np

from rldk_tui.analysis.generations import total_reward
from rldk_tui.analysis.over_time import Placed
from rldk_tui.analysis.rewards.anomalies import Anomaly
from rldk_tui.analysis.rewards.given import of_record
from rldk_tui.analysis.rewards.watch import RewardReliability, RewardWatch
from rldk_tui.charts.heat_map import HeatMap, heat_map
from rldk_tui.events import Completions, Phase
from rldk_tui.statistics.windows import Floats

STEPS, REWARDS = 512, 128
EXTREMES = 8
_STRANGE = 16
"""Anomalies that are remembered, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardAccount:
    """The rewards of a run's generations, up to now.

    Attributes:
        phase: Of the training; of evaluations where there are no others.
        batches: Steps that were scored.
        reliability: What the newest of them tell; `anomalies` are those of the rewards it looks at.
        steps, rewards: Steps drawn over the run, and an even sample of the rewards of each.
        lowest, highest: Of all generations, the most extreme first and of equals the newest; the same text once.
    """

    phase: Phase
    batches: int
    reliability: RewardReliability
    steps: tuple[int, ...]
    rewards: tuple[Floats, ...]
    lowest: tuple[Placed, ...]
    highest: tuple[Placed, ...]

    def heat(self, rows: int, columns: int) -> HeatMap | None:
        """How the rewards of each step were spread; None with fewer than two steps."""
        return heat_map(self.steps, self.rewards, rows, columns) if len(self.steps) > 1 else None


class RewardRecord:
    """Takes in the generations of a run, in the order of the training. Single writer."""

    def __init__(self) -> None:
        self._courses: dict[Phase, _Course] = {}

    def add(self, event: Completions) -> None:
        """Take in one step's generations; the same ones again tell nothing new."""
        if event.rows:
            self._courses.setdefault(event.phase, _Course(event.phase)).add(event)

    def account(self) -> RewardAccount | None:
        """What is known; None where nothing was scored."""
        known = [course for course in self._courses.values() if course.scored]
        chosen = next((course for course in known if course.phase is Phase.TRAIN), known[0] if known else None)
        return None if chosen is None else chosen.account()


class _Course:
    """The rewards of one phase."""

    def __init__(self, phase: Phase) -> None:
        self.phase = phase
        self._watch = RewardWatch()
        self._met: dict[int, bytes] = {}
        self._batches = 0
        self._every = 1
        self._drawn: list[tuple[int, Floats]] = []
        self._newest: tuple[int, Floats] | None = None
        self._strange: list[tuple[int, Anomaly]] = []
        self._lowest: list[Placed] = []
        self._highest: list[Placed] = []
        self._account: RewardAccount | None = None

    @property
    def scored(self) -> bool:
        return self._watch.seen > 0

    def add(self, event: Completions) -> None:
        rewards = np.array([np.nan if (reward := total_reward(row)) is None else reward for row in event.rows], np.float64)
        mark = blake2b(rewards.tobytes(), digest_size=8).digest()
        if self._met.get(event.step) == mark:
            return
        self._met[event.step] = mark
        if len(self._met) > 2 * STEPS:
            self._met = dict(list(self._met.items())[STEPS:])
        self._account = None
        self._forget_from(event.step)
        self._strange += [(event.step, anomaly) for anomaly in self._take(event, rewards)]
        del self._strange[:-_STRANGE]
        if np.isfinite(rewards).any():
            self._draw(event.step, rewards[np.isfinite(rewards)])
            self._rank(event, rewards)

    def _take(self, event: Completions, rewards: Floats) -> tuple[Anomaly, ...]:
        prompts = [row.prompt for row in event.rows]
        replies = None if event.without_text else [row.completion for row in event.rows]
        return self._watch.take(of_record(rewards, prompts, replies), event.step)

    def _forget_from(self, step: int) -> None:
        """A training that was resumed tells of these steps anew."""
        if self._newest is None or step > self._newest[0]:
            return
        self._drawn = [one for one in self._drawn if one[0] < step]
        self._strange = [one for one in self._strange if one[0] < step]
        self._lowest, self._highest = ([one for one in kept if one.step != step] for kept in (self._lowest, self._highest))
        self._newest = self._drawn[-1] if self._drawn else None
        self._watch.forget(step)

    def _draw(self, step: int, rewards: Floats) -> None:
        """Every so many steps, twice as many as before whenever there are too many."""
        places = np.linspace(0, rewards.size - 1, min(rewards.size, REWARDS)).astype(np.intp)
        self._newest = step, rewards[places]
        if self._batches % self._every == 0:
            self._drawn.append(self._newest)
        self._batches += 1
        if len(self._drawn) > STEPS:
            self._drawn = self._drawn[::2]
            self._every *= 2

    def _rank(self, event: Completions, rewards: Floats) -> None:
        order = np.argsort(rewards, kind="stable")
        finite = order[np.isfinite(rewards[order])].tolist()
        self._lowest = _ranked((*_different(event, rewards, finite), *self._lowest), lambda one: one.reward or 0.0)
        self._highest = _ranked((*_different(event, rewards, finite[::-1]), *self._highest), lambda one: -(one.reward or 0.0))

    def account(self) -> RewardAccount:
        if self._account is None:
            drawn = list(self._drawn)
            if self._newest is not None and (not drawn or drawn[-1][0] != self._newest[0]):
                drawn.append(self._newest)
            inside = [anomaly for step, anomaly in self._strange if step >= self._watch.first_step]
            lowest, highest = _dealt(self._lowest, self._highest)
            self._account = RewardAccount(
                phase=self.phase,
                batches=self._batches,
                reliability=self._watch.judged(tuple(inside)),
                steps=tuple(step for step, _ in drawn),
                rewards=tuple(rewards for _, rewards in drawn),
                lowest=lowest,
                highest=highest,
            )
        return self._account


def _different(event: Completions, rewards: Floats, order: list[int]) -> Iterator[Placed]:
    """The first of this order, the same text once."""
    seen: set[tuple[str, str]] = set()
    for row in order:
        completion = event.rows[row]
        text = completion.prompt, completion.completion
        if text in seen:
            continue
        seen.add(text)
        yield Placed(event.step, event.phase, row, completion, float(rewards[row]))
        if len(seen) == EXTREMES:
            return


def _ranked(found: Iterable[Placed], key: Callable[[Placed], float]) -> list[Placed]:
    """The most extreme, of equals the first that is given, the same text once."""
    ranked = sorted(found, key=key)
    seen = {(one.completion.prompt, one.completion.completion): one for one in reversed(ranked)}
    return [one for one in ranked if seen[one.completion.prompt, one.completion.completion] is one][:EXTREMES]


def _dealt(lowest: list[Placed], highest: list[Placed]) -> tuple[tuple[Placed, ...], tuple[Placed, ...]]:
    """Each to one of the two only, by turns, so that few generations are not all called the lowest."""
    dealt: tuple[list[Placed], list[Placed]] = ([], [])
    taken: set[tuple[str, str, float | None]] = set()
    for turn in zip_longest(lowest, highest):
        for end, one in zip(dealt, turn, strict=True):
            if one is None or (mark := (one.completion.prompt, one.completion.completion, one.reward)) in taken:
                continue
            taken.add(mark)
            end.append(one)
    return tuple(dealt[0]), tuple(dealt[1])
