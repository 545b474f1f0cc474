"""When memory will be full is told only where a line fits its growth."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rldk_tui.analysis.memory_fit import steps_until_full

STEPS = np.arange(0, 1000, 10)
GIB = 2.0**30
NOISE = np.random.default_rng(0).normal(0, 0.05, STEPS.size) * GIB


def test_even_growth_is_told_about_right() -> None:
    used = (20 + 0.02 * STEPS) * GIB + NOISE
    told = steps_until_full(STEPS, used, 80 * GIB)
    assert told is not None
    assert abs(told - 2010) < 60


@pytest.mark.parametrize(
    "used",
    [
        20 * GIB + NOISE,
        np.where(STEPS < 500, 20.0, 40.0) * GIB + NOISE,
        (40 - 0.02 * STEPS) * GIB,
        (20 + 15 * np.sin(STEPS / 50)) * GIB,
        np.minimum(20 + 0.2 * STEPS, 40) * GIB,
        np.full(STEPS.size, np.nan),
    ],
    ids=["steady", "one jump", "falling", "waves", "grew and rested", "not measured"],
)
def test_what_is_no_even_growth_is_not(used: NDArray[np.float64]) -> None:
    assert steps_until_full(STEPS, used, 80 * GIB) is None


def test_few_samples_and_no_capacity_tell_nothing() -> None:
    used = (20 + 0.02 * STEPS.astype(np.float64)) * GIB
    assert steps_until_full(STEPS[:20], used[:20], 80 * GIB) is None
    assert steps_until_full(STEPS, used, 0.0) is None
