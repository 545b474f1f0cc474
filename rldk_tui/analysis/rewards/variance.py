"""Where the rewards differ, and whether they can: between prompts or within them, at a bound, tied, in few values.

A policy can only change what varies within a prompt. Where nearly all variance lies between prompts, the reward judges the
question and not the answer, and without a baseline for each prompt its gradient is noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rldk_tui.analysis.rewards.given import UNKNOWN
from rldk_tui.analysis.rewards.window import RewardWindow
from rldk_tui.statistics.components import components, tied

QUERY_DOMINATED = 0.9
"""Share of the variance between prompts from which the reward is about the question."""
SATURATED = 0.9
"""Share of the rewards at one bound from which there is little left to learn."""
MANY_TIED = 0.5
"""Share of groups without any difference from which at least half of the replies teach nothing."""
_NEAR_BOUND = 0.01
_FEWEST_PROMPTS = 8
_APART = np.int64(0x1E3779B97F4A7C15)
"""Odd, so that no two steps share a group of one prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variance:
    """Of the window; None is "not measured".

    Attributes:
        mean, std: Of the rewards.
        between, within: Variance between and within prompts, of prompts with two replies or more.
        between_share: Between ÷ both (intraclass correlation), from 8 such prompts on.
        groups: How many times a prompt got two replies or more at one step.
        tied_groups: The share of them whose replies all got one reward.
        at_highest, at_lowest: The share of rewards within 1 % of the range at its ends; None where all are one number.
        distinct: How many different rewards there are.
        discrete: Whether the rewards take few values, 20 at most and each ten times on average.
        query_dominated: Whether the share between prompts is above 0.9; None where it is not measured.
    """

    mean: float | None
    std: float | None
    between: float | None
    within: float | None
    between_share: float | None
    groups: int
    tied_groups: float | None
    at_highest: float | None
    at_lowest: float | None
    distinct: int
    discrete: bool
    query_dominated: bool | None


def variance(window: RewardWindow) -> Variance:
    """Everything at once."""
    rewards = window.rewards
    known = window.prompts != UNKNOWN
    found = components(rewards[known], window.prompts[known])
    share = _number(found.share) if found.groups >= _FEWEST_PROMPTS else None
    groups, flat = tied(rewards[known], window.prompts[known] ^ (window.steps[known] * _APART))
    high, low = at_bounds(window)
    distinct = int(np.unique(rewards).size)
    return Variance(
        mean=float(rewards.mean()) if rewards.size else None,
        std=float(rewards.std()) if rewards.size else None,
        between=_number(found.between),
        within=_number(found.within),
        between_share=share,
        groups=groups,
        tied_groups=_number(flat),
        at_highest=high,
        at_lowest=low,
        distinct=distinct,
        discrete=is_discrete(distinct, rewards.size),
        query_dominated=None if share is None else share > QUERY_DOMINATED,
    )


def at_bounds(window: RewardWindow) -> tuple[float | None, float | None]:
    """The shares of the rewards at the highest and at the lowest; the first rewards of the run tell how wide the range is."""
    rewards = window.rewards
    if not rewards.size:
        return None, None
    # of the lowest all but the wildest: one parse error of -1000 would put every reward at the top of its range
    first_low, first_high = np.quantile(window.first, (0.01, 0.99)).tolist()
    low, top = min(first_low, float(np.quantile(rewards, 0.01))), max(float(rewards.max()), first_high)
    bottom, span = min(float(rewards.min()), low), top - low
    if span <= 0:
        return None, None
    near = _NEAR_BOUND * span
    return float(np.mean(rewards >= top - near)), float(np.mean(rewards <= bottom + near))


def is_discrete(distinct: int, count: int) -> bool:
    """Whether so many rewards take few values."""
    return 0 < distinct <= min(20, count // 10)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
