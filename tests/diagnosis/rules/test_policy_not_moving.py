"""A policy that stands still."""

from __future__ import annotations

from typing import Any

import pytest

from rldk_tui.diagnosis.rules.policy_not_moving import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, diagnosis_of, findings, only

RULE = "policy-not-moving"
NOISE = [0.1234567 + 0.01 * (step % 7) for step in range(60)]


def still(
    kl: list[float] | None = None, rate: float = 1e-6, algorithm: Algorithm = Algorithm.GRPO, **config: Any
) -> RunBuilder:
    run = a_run(algorithm, config=config).with_metric("kl", [0.0] * 60 if kl is None else kl)
    return run.with_metrics(learning_rate=[rate] * 60, reward=NOISE, grad_norm=NOISE)


@pytest.mark.parametrize("algorithm", [Algorithm.GRPO, Algorithm.RLOO, Algorithm.PPO])
def test_the_limits(algorithm: Algorithm) -> None:
    found = only(RULE, still(algorithm=algorithm))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.HIGH, 1, LIMITS.n)
    assert not findings(RULE, still([0.0] * (LIMITS.n - 1) + [1e-5] * 40, algorithm=algorithm))


def test_the_limit_a_token_and_a_reply() -> None:
    assert findings(RULE, still([0.9 * LIMITS.still] * 60))
    assert not findings(RULE, still([1.1 * LIMITS.still] * 60))
    reply = still([-19 * LIMITS.still] * 60, algorithm=Algorithm.PPO, response_length=20)
    assert findings(RULE, reply), "the rounding of twenty summed tokens is no movement"
    assert not findings(RULE, still([21 * LIMITS.still] * 60, algorithm=Algorithm.PPO, response_length=20))


def test_a_rate_that_is_zero_or_warms_up_moves_nothing_yet() -> None:
    assert not findings(RULE, still(rate=0.0))
    rising = still().with_metric("learning_rate", [1e-9 * step for step in range(1, 61)])
    assert not findings(RULE, rising)


def test_a_rounded_log_tells_nothing() -> None:
    rounded = still().with_metrics(reward=[0.1235] * 60, grad_norm=[0.51] * 60)
    assert not findings(RULE, rounded)


@pytest.mark.parametrize(
    ("algorithm", "config"),
    [
        (Algorithm.KTO, {}),
        (Algorithm.DPO, {}),
        (Algorithm.GRPO, {"beta": 0.0}),
        (Algorithm.GRPO, {"beta": 0.04, "sync_ref_model": True, "ref_model_sync_steps": 8}),
    ],
)
def test_where_a_kl_of_zero_means_nothing(algorithm: Algorithm, config: dict[str, Any]) -> None:
    run = still(algorithm=algorithm, **config)
    assert not findings(RULE, run)
    assert not diagnosis_of(RULE, run).not_evaluated[0].applicable


@pytest.mark.parametrize(("rate", "norm", "cause"), [(1e-9, 0.6, "1e-09"), (1e-6, 0.6, "norm 0.6"), (1e-6, 0.0, "is zero")])
def test_the_cause(rate: float, norm: float, cause: str) -> None:
    found = only(RULE, still(rate=rate).with_metric("grad_norm", [norm] * 60))
    assert cause in (found.cause or "")
    proposed = {item.parameter: item.proposed for item in found.advice if item.parameter}
    assert proposed == ({"learning_rate": "1e-06"} if rate == 1e-9 else {})
