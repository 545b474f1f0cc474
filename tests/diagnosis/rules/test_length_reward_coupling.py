"""A reward that pays for length."""

from __future__ import annotations

import math

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "length-reward-coupling"


def coupled(
    rho: float, *, batches: int = 80, groups: float = 4.0, growth: float = 2.0, slope: float = 0.01, gain: float = 1.0
) -> RunBuilder:
    """Replies grow by `growth` tokens a batch; the reward by `gain` times what the slope makes of that."""
    weight = groups * 5.0
    columns = {
        "length_mean": [100.0 + growth * index for index in range(batches)],
        "reward_mean": [0.2 + gain * slope * 2.0 * index for index in range(batches)],
        "length_reward_groups": [groups] * batches,
        "length_reward_z": [weight * math.atanh(rho)] * batches,
        "length_reward_weight": [weight] * batches,
        "length_reward_covariance": [slope * 1e3] * batches,
        "length_variance": [1e3] * batches,
    }
    run = a_run(Algorithm.GRPO, config={"loss_type": "grpo"})
    for name, values in columns.items():
        run = run.with_metric(f"samples/{name}", values)
    return run


@pytest.mark.parametrize(
    ("rho", "severity"),
    [(0.34, None), (0.36, Severity.WARNING), (0.49, Severity.WARNING), (0.51, Severity.HIGH), (-0.8, None)],
)
def test_the_limits(rho: float, severity: Severity | None) -> None:
    assert worst(RULE, coupled(rho)) is severity


def test_it_speaks_after_25_groups_and_200_replies() -> None:
    found = only(RULE, coupled(0.8))
    assert found.detected_step == 7
    assert "0.80 at step 7" in found.summary
    assert ("loss_type", "dr_grpo") in [(item.parameter, item.proposed) for item in found.advice]


@pytest.mark.parametrize(
    "run",
    [
        coupled(0.8, gain=2.1),
        coupled(0.8, growth=0.0),
        coupled(0.8, gain=-1.0),
        coupled(0.8, batches=6),
        coupled(0.36, groups=0.53),
    ],
    ids=["length explains less than half", "no longer than before", "no gain", "too few groups", "not sure enough"],
)
def test_what_stays_silent(run: RunBuilder) -> None:
    assert not findings(RULE, run)


def test_a_trainer_that_scores_no_replies_is_left_out() -> None:
    assert not findings(RULE, a_run(Algorithm.SFT).with_metric("samples/length_mean", [1.0] * 30))
