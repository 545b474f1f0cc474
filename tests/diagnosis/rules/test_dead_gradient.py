"""A gradient of zero."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.dead_gradient import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only

RULE = "dead-gradient"


def dead(algorithm: Algorithm = Algorithm.GRPO, **config: object) -> RunBuilder:
    return a_run(algorithm, config=config).with_metrics(grad_norm=[0.5] * 10 + [0.0] * 20, learning_rate=[1e-6] * 30)


def test_the_limits() -> None:
    found = only(RULE, dead())
    assert (found.severity, found.first_step, found.detected_step) == (Severity.CRITICAL, 11, 18)
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("grad_norm", [1.1 * LIMITS.zero] * 30))
    assert findings(RULE, a_run(Algorithm.GRPO).with_metric("grad_norm", [0.9 * LIMITS.zero] * 30))


def test_a_log_of_many_steps_tells_of_its_last_one_only() -> None:
    run = a_run(Algorithm.GRPO, config={"logging_steps": 10})
    assert not findings(RULE, run.with_metric("grad_norm", ([0.0] * (LIMITS.n - 1) + [0.1]) * 3, every=10))
    assert findings(RULE, run.with_metric("grad_norm", [0.0] * LIMITS.n, every=10))


def test_seven_zeros_and_alternating_zeros_are_silent() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("grad_norm", ([0.0] * (LIMITS.n - 1) + [0.1]) * 5))
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("grad_norm", [0.0, 0.2] * 20))


def test_a_learning_rate_of_zero_is_no_dead_gradient() -> None:
    """Warm-up begins at 0 and a linear schedule ends there."""
    run = a_run(Algorithm.GRPO).with_metrics(grad_norm=[0.0] * 30, learning_rate=[0.0] * 30)
    assert not findings(RULE, run)


def test_stretches_close_together_are_one_episode() -> None:
    norm = [0.0] * 10 + [0.1] * 12 + [0.0] * 10 + [0.1] * 8
    found = only(RULE, a_run(Algorithm.GRPO).with_metric("grad_norm", norm))
    assert (found.first_step, found.last_step) == (1, 32)


def test_ppo_logs_no_gradient_norm() -> None:
    assert not findings(RULE, dead(Algorithm.PPO))


@pytest.mark.parametrize(
    ("algorithm", "beside", "config", "cause"),
    [
        (Algorithm.GRPO, {"reward_std": 0.0}, {}, "All rewards were equal"),
        (Algorithm.GRPO, {"reward_std": 0.2, "frac_reward_zero_std": 1.0}, {}, "All rewards were equal"),
        (
            Algorithm.GRPO,
            {"reward_std": 0.2, "completions/clipped_ratio": 1.0},
            {"mask_truncated_completions": True},
            "masked out",
        ),
        (Algorithm.GRPO, {"reward_std": 0.2, "completions/clipped_ratio": 1.0}, {}, "not part of the loss"),
        (Algorithm.DPO, {"rewards/margins": 0.0}, {}, "margin is zero"),
        (Algorithm.SFT, {"entropy": 0.001}, {}, "entropy is spent"),
        (Algorithm.DPO, {"rewards/margins": 0.3}, {}, "Margins differ"),
        (Algorithm.SFT, {}, {}, "Nothing that was logged tells why"),
    ],
)
def test_the_cause_is_told_by_the_other_metrics(
    algorithm: Algorithm, beside: dict[str, float], config: dict[str, object], cause: str
) -> None:
    run = dead(algorithm, **config)
    for name, value in beside.items():
        run = run.with_metric(name, [value] * 30)
    found = only(RULE, run)
    assert cause in (found.cause or "")
    assert found.advice
