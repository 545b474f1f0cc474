"""One prompt's answers over the steps of a run, of those steps whose texts are given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rldk_tui.analysis.generations import total_reward
from rldk_tui.events import Completion, Completions, Phase


@dataclass(frozen=True, slots=True)
class Placed:
    """One generation and where it lies.

    Attributes:
        row: Its place among those of its step and phase.
        reward: The sum over the reward functions that scored it; None if none did.
    """

    step: int
    phase: Phase
    row: int
    completion: Completion
    reward: float | None


def same_prompt(logs: Sequence[Completions], prompt: str, phase: Phase) -> tuple[tuple[Completions, tuple[Placed, ...]], ...]:
    """All answers to a prompt, step by step, each step's in the order of the log."""
    found = ((log, tuple(one for one in _placed(log) if one.completion.prompt == prompt)) for log in logs if log.phase is phase)
    return tuple((log, answers) for log, answers in found if answers)


def mean_reward(answers: Sequence[Placed]) -> float | None:
    """Over those that were scored with a finite number."""
    known = [placed.reward for placed in answers if placed.reward is not None and math.isfinite(placed.reward)]
    return math.fsum(known) / len(known) if known else None


def _placed(log: Completions) -> list[Placed]:
    return [Placed(log.step, log.phase, index, row, total_reward(row)) for index, row in enumerate(log.rows)]
