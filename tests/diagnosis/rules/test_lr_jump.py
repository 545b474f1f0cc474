"""A learning rate that jumps, and everything a schedule does that is no jump."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, findings, only, worst

RULE = "lr-jump"
DECAY = np.linspace(1e-5, 5e-6, 40).tolist()


@pytest.mark.parametrize(
    ("times", "severity"),
    [(2.9, None), (3.1, Severity.WARNING), (9.9, Severity.WARNING), (10.1, Severity.HIGH), (100.0, Severity.HIGH)],
)
def test_how_far_it_jumps_decides_how_bad_it_is(times: float, severity: Severity | None) -> None:
    run = a_run(Algorithm.SFT).with_metric("learning_rate", [1e-5] * 40 + [times * 1e-5] * 20)
    assert worst(RULE, run) is severity


def test_it_is_known_at_once_and_lasts_while_the_rate_is_up() -> None:
    run = a_run(Algorithm.GRPO, config={"learning_rate": 1e-5}).with_metric("learning_rate", [*DECAY, *[4e-4] * 20, *DECAY])
    found = only(RULE, run)
    assert (found.first_step, found.detected_step, found.last_step, found.open) == (41, 41, 60, False)
    assert "from 1e-05 to 0.0004 at step 41, 40 times" in found.summary
    assert (found.advice[0].parameter, found.advice[0].proposed) == ("learning_rate", "1e-05")


@pytest.mark.parametrize(
    "rates",
    [
        np.linspace(1e-7, 1e-5, 40).tolist(),
        [0.0, *np.linspace(1e-6, 1e-5, 20)],
        [1e-8, *np.linspace(1e-6, 1e-5, 20)],
        [1e-7 * 4**n for n in range(10)],
        [*DECAY, 0.0, 0.0, *DECAY, *DECAY],
        [1e-5 * (1 + np.cos(n / 5)) / 2 for n in range(100)],
        [0.0] * 10 + [1e-5] * 10,
    ],
    ids=["warm-up", "from zero", "first log", "exponential", "restart", "cycles", "from nothing"],
)
def test_a_schedule_is_no_jump(rates: list[float]) -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("learning_rate", rates))


def test_another_launch_may_have_another_rate() -> None:
    run = (
        a_run(Algorithm.DPO).with_metric("learning_rate", [1e-6] * 20).relaunched(20).with_metric("learning_rate", [1e-4] * 20)
    )
    assert not findings(RULE, run)


def test_a_jump_from_next_to_nothing_has_no_endless_factor() -> None:
    found = only(RULE, a_run(Algorithm.GRPO).with_metric("learning_rate", [5e-324] * 30 + [1e-3] * 10))
    assert "far beyond the highest before it" in found.summary
