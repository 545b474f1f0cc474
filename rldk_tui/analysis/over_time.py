"""A run's generations over its steps: how rewards are spread, which are highest and lowest, one prompt's answers.

It is told of the steps it is given: those that the snapshot holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rldk_tui.analysis.generations import total_reward
from rldk_tui.charts.heat_map import HeatMap, heat_map
from rldk_tui.events import Completion, Completions, Phase


@dataclass(frozen=True, slots=True)
class Placed:
    """One generation and where it lies.

    Attributes:
        log: The generations of its step.
        row: Its place among them.
        reward: The sum over the reward functions that scored it; None if none did.
    """

    log: Completions
    row: int
    reward: float | None

    @property
    def completion(self) -> Completion:
        """The generation itself."""
        return self.log.rows[self.row]


def of_training(logs: Sequence[Completions]) -> tuple[Completions, ...]:
    """The training's own generations, by step; those of evaluations where there are no others."""
    written = tuple(log for log in logs if log.rows)
    return tuple(log for log in written if log.phase is Phase.TRAIN) or written


def reward_heat(logs: Sequence[Completions], rows: int, columns: int) -> HeatMap | None:
    """How the rewards of each step are spread; None with fewer than two steps that were scored."""
    values = [np.array([_number(total_reward(row)) for row in log.rows]) for log in logs]
    scored = [(log.step, reward) for log, reward in zip(logs, values, strict=True) if np.isfinite(reward).any()]
    if len(scored) < 2:
        return None
    return heat_map([step for step, _ in scored], [reward for _, reward in scored], rows, columns)


def extremes(logs: Sequence[Completions], most: int) -> tuple[tuple[Placed, ...], tuple[Placed, ...]]:
    """The lowest and the highest rewards, the most extreme first and of equals the newest; the same text once.

    A generation is in one of the two only.
    """
    scored = [placed for log in reversed(logs) for placed in _placed(log) if _is_finite(placed.reward)]
    ranked = sorted(scored, key=lambda placed: placed.reward or 0.0)
    lowest = _different(ranked, most)
    taken = {id(placed) for placed in lowest}
    highest = sorted(scored, key=lambda placed: -(placed.reward or 0.0))
    return lowest, _different([placed for placed in highest if id(placed) not in taken], most)


def same_prompt(logs: Sequence[Completions], prompt: str, phase: Phase) -> tuple[tuple[Completions, tuple[Placed, ...]], ...]:
    """All answers to a prompt, step by step, each step's in the order of the log."""
    found = ((log, tuple(one for one in _placed(log) if one.completion.prompt == prompt)) for log in logs if log.phase is phase)
    return tuple((log, answers) for log, answers in found if answers)


def mean_reward(answers: Sequence[Placed]) -> float | None:
    """Over those that were scored with a finite number."""
    known = [placed.reward for placed in answers if placed.reward is not None and math.isfinite(placed.reward)]
    return math.fsum(known) / len(known) if known else None


def _placed(log: Completions) -> list[Placed]:
    return [Placed(log, index, total_reward(row)) for index, row in enumerate(log.rows)]


def _different(ranked: Sequence[Placed], most: int) -> tuple[Placed, ...]:
    seen: dict[tuple[str, str], Placed] = {}
    for placed in ranked:
        if len(seen) == most:
            break
        seen.setdefault((placed.completion.prompt, placed.completion.completion), placed)
    return tuple(seen.values())


def _is_finite(reward: float | None) -> bool:
    return reward is not None and math.isfinite(reward)


def _number(reward: float | None) -> float:
    return math.nan if reward is None else reward
