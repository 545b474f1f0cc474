"""A reward that jumps together with the replies."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "reward-jump"
SIZE, ONSET = 200, 120


def noise(seed: int, spread: float) -> np.ndarray:
    return spread * np.random.default_rng(seed).normal(size=SIZE)


def run_of(rise: float, longer: float, *, over: int = 4, max_steps: int = SIZE) -> RunBuilder:
    """The reward rises within so many logs, and the replies grow."""
    risen = np.clip((np.arange(1, SIZE + 1) - ONSET) / over, 0, 1)
    run = a_run(Algorithm.GRPO, max_steps=max_steps).with_metric("reward", (0.5 + rise * risen + noise(1, 0.03)).tolist())
    return run.with_metric("completions/mean_length", (100 + longer * risen + noise(2, 4)).tolist())


def test_a_jump_with_longer_replies() -> None:
    found = only(RULE, run_of(0.4, 60))
    assert found.severity is Severity.WARNING
    assert ONSET <= found.first_step <= found.detected_step <= ONSET + 12
    assert not found.open, "once the new level is what is usual, it is over"
    assert "together with more length" in found.summary


@pytest.mark.parametrize(
    ("rise", "longer", "over"),
    [(0.08, 60, 4), (0.4, 4, 4), (-0.4, 60, 4), (0.4, 60, 200)],
    ids=["too little", "the replies stay", "a fall", "as slowly as learning"],
)
def test_what_is_none(rise: float, longer: float, over: int) -> None:
    assert not findings(RULE, run_of(rise, longer, over=over))


def test_early_in_a_run_it_is_a_remark() -> None:
    assert worst(RULE, run_of(0.4, 60, max_steps=2000)) is Severity.INFO


@pytest.mark.parametrize("phi", [0.0, 0.6, 0.9])
def test_noise_is_none(phi: float) -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        walks = np.zeros((2, 1500))
        for step in range(1, 1500):
            walks[:, step] = phi * walks[:, step - 1] + np.sqrt(1 - phi**2) * rng.standard_t(3, size=2)
        run = a_run(Algorithm.RLOO, max_steps=1500).with_metric("reward", walks[0].tolist())
        assert not findings(RULE, run.with_metric("entropy", (5 + walks[1]).tolist()))


def test_it_is_for_trainers_that_raise_a_reward() -> None:
    run = a_run(Algorithm.DPO).with_metric("reward", [0.0] * 100 + [1.0] * 50)
    assert not findings(RULE, run)
