"""Whether the task is solved: the reward rose to its ceiling, and the policy still writes different replies.

A solved task and a collapsed policy look the same in the reward and in the groups without signal. What tells them apart are
the entropy, the replies themselves, and whether they end. Without such evidence nothing counts as solved.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.beside import SmoothPast, smoothed
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import Bools

CEILING = 0.9
"""Of a reward from 0 to 1, which is what a verifier pays."""
RISEN = 0.1
"""A reward that stood at its ceiling from the start has nothing to do with the training."""
ALIVE = 0.5
"""Entropy in nat/token from which a policy is far from deterministic, ten times the floor of entropy-collapse."""
VARIOUS = 0.5
"""Share of different replies in a group."""
CUT = 0.6
"""Share of replies cut off from which truncation is grave."""
_LOGS = 5


@dataclass(frozen=True, slots=True)
class SolvedPast:
    """What `solved` keeps; `start` is the first median of the reward."""

    reward: SmoothPast = field(default_factory=SmoothPast)
    entropy: SmoothPast = field(default_factory=SmoothPast)
    unique: SmoothPast = field(default_factory=SmoothPast)
    cut: SmoothPast = field(default_factory=SmoothPast)
    start: float = math.nan


def solved(rows: Rows, at: NDArray[np.intp], past: SolvedPast) -> tuple[Bools, SolvedPast]:
    """Whether the task is solved at each row of `at`."""
    reward, reward_past = smoothed(rows, at, "reward", _LOGS, past.reward)
    entropy, entropy_past = smoothed(rows, at, "entropy", _LOGS, past.entropy)
    unique, unique_past = smoothed(rows, at, "samples/unique_in_group", _LOGS, past.unique)
    cut, cut_past = smoothed(rows, at, "completions/clipped_ratio", _LOGS, past.cut)
    known = np.flatnonzero(~np.isnan(reward))
    start = float(reward[known[0]]) if math.isnan(past.start) and known.size else past.start
    at_the_top = (reward >= CEILING) & (reward <= 1.0) & (reward - start >= RISEN)
    alive = ((entropy >= ALIVE) & ~(unique < VARIOUS)) | (np.isnan(entropy) & (unique >= VARIOUS))
    after = SolvedPast(reward_past, entropy_past, unique_past, cut_past, start)
    return at_the_top & alive & ~(cut > CUT), after
