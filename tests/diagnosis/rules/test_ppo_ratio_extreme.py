"""Ratios far from 1."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.ppo_ratio_extreme import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "ppo-ratio-extreme"
QUIET = [1.0, 0.99, 1.01] * 7


def ppo(ratio: list[float], clipped: float | None = None, **config: object) -> RunBuilder:
    run = a_run(Algorithm.PPO, config=config).with_metric("val/ratio", ratio)
    return run if clipped is None else run.with_metric("policy/clipfrac_avg", [clipped] * len(ratio))


@pytest.mark.parametrize(("inside", "outside"), [(0.81, 0.79), (1.24, 1.26)])
def test_the_warning(inside: float, outside: float) -> None:
    found = only(RULE, ppo([*QUIET, *[outside] * 10]))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.WARNING, 22, 24)
    assert not findings(RULE, ppo([*QUIET, *[inside] * 10]))
    assert not findings(RULE, ppo([*QUIET, outside, 1.0, 1.0, outside, *QUIET]))


def test_a_drastic_update_is_critical_at_once() -> None:
    low, high = LIMITS.drastic
    assert worst(RULE, ppo([*QUIET, low - 0.01, *QUIET], clipped=0.02)) is Severity.CRITICAL
    assert worst(RULE, ppo([*QUIET, high + 0.01, *QUIET], clipped=0.3)) is Severity.CRITICAL
    assert not findings(RULE, ppo([*QUIET, high + 5.0, *QUIET], clipped=0.02)), "one token alone lifts the mean"
    assert worst(RULE, ppo([*QUIET, 3.0, 1.0, 3.0, *QUIET], clipped=0.02)) is Severity.CRITICAL


def test_the_peak_is_what_is_furthest_on_either_side() -> None:
    assert "0.3 at step 23" in only(RULE, ppo([*QUIET, 2.5, 0.3, *QUIET], clipped=0.3)).summary


def test_from_the_first_update_on_it_is_the_sampler() -> None:
    start = only(RULE, ppo([0.7] * 20))
    later = only(RULE, ppo([*QUIET, *[0.7] * 20], num_ppo_epochs=1, learning_rate=1e-6))
    assert "from the first update on" in (start.cause or "")
    assert "top_k=0" in start.advice[0].text
    assert [item.parameter for item in later.advice] == ["learning_rate"], "one pass cannot be made fewer"


def test_other_trainers_do_not_log_it() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("policy_ratio", [5.0] * 9))
