"""A pull to the reference that holds no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rldk_tui.diagnosis.rules.kl_control_lost import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, diagnosis_of, findings, only

RULE = "kl-control-lost"
NOISE = np.random.default_rng(3).normal(0.0, 0.02, 300)


def grpo(kl: Sequence[Any], **config: object) -> RunBuilder:
    return a_run(Algorithm.GRPO, config=config).with_metrics(kl=kl, loss=[0.1] * len(kl))


def drifting(reward: np.ndarray, level: float = 0.2, end: float = 1.0) -> RunBuilder:
    kl = np.concatenate((np.full(100, level), np.linspace(level, end, 100))) * (1 + NOISE[:200])
    return a_run(Algorithm.GRPO).with_metrics(kl=kl.tolist(), reward=(reward + NOISE[:200]).tolist())


def test_a_term_that_is_gone_from_the_log() -> None:
    found = only(RULE, grpo([0.1] * 40 + [...] * 60, beta=0.04))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.HIGH, 41, 40 + LIMITS.n)
    assert (found.last_step, found.open) == (100, True)
    assert "From step 41 on the KL is missing" in found.summary
    assert "beta" in found.advice[0].text
    assert not findings(RULE, grpo([0.1] * 40 + [...] * (LIMITS.n - 1) + [0.1] * 20))


def test_a_kl_that_never_was_regular_or_ends_with_the_run_is_silent() -> None:
    assert not findings(RULE, grpo([0.1, ..., ...] * 20 + [...] * 20))
    assert not findings(RULE, grpo([0.1] * (LIMITS.known - 1) + [...] * 20))
    assert not findings(RULE, grpo([0.1] * 40).with_metric("eval/reward", [0.5] * 9, first=41))


def test_a_relaunch_without_the_term_is_another_choice() -> None:
    run = grpo([0.1] * 40).relaunched(40, config={"beta": 0.0})
    assert not findings(RULE, run.with_metric("loss", [0.1] * 30))


def test_a_coefficient_that_drops_to_nothing() -> None:
    kl = [2.0 + 0.1 * (step % 3) for step in range(80)]
    penalty = [-(0.05 if step < 40 else 0.0) * value for step, value in enumerate(kl)]
    run = a_run(Algorithm.PPO, config={"kl_coef": 0.05}).with_metric("objective/kl", kl)
    found = only(RULE, run.with_metric("objective/non_score_reward", penalty))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.HIGH, 41, 45)
    assert "costs nothing" in found.summary
    halved = [-(0.05 if step < 40 else 0.01) * value for step, value in enumerate(kl)]
    assert not findings(RULE, run.with_metric("objective/non_score_reward", halved))
    logged = run.with_metric("objective/kl_coef", [0.2] * 40 + [0.0] * 40)
    assert findings(RULE, logged)


def test_growth_counts_while_the_reward_falls() -> None:
    falling = np.concatenate((np.full(100, 1.0), np.linspace(1.0, 0.5, 100)))
    found = only(RULE, drifting(falling))
    assert found.severity is Severity.WARNING
    assert 140 < found.first_step < 200
    assert "while the reward fell" in found.summary
    assert found.advice[0].parameter == "beta"


def test_growth_that_is_paid_for_or_small_is_silent() -> None:
    falling = np.concatenate((np.full(100, 1.0), np.linspace(1.0, 0.5, 100)))
    assert not findings(RULE, drifting(np.linspace(0.2, 0.9, 200)))
    assert not findings(RULE, drifting(np.full(200, 0.9)))
    assert not findings(RULE, drifting(falling, level=0.4)), "less than three times"
    assert not findings(RULE, drifting(falling, level=0.01, end=0.09)), "no distance yet"


def test_where_nothing_ever_held_it() -> None:
    (silent,) = diagnosis_of(RULE, grpo([0.1] * 40 + [...] * 40, beta=0.0)).not_evaluated
    assert not silent.applicable
