"""A critic worse than the mean."""

from __future__ import annotations

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, findings, only, worst

RULE, HOOK = "explained-variance-low", "hook/explained_variance"


@pytest.mark.parametrize(
    ("value", "severity"),
    [(0.01, None), (0.0, None), (-0.01, Severity.WARNING), (-0.5, Severity.WARNING), (-0.6, Severity.HIGH)],
)
@pytest.mark.parametrize("metric", ["ppo/val/var_explained", HOOK])
def test_the_limits(metric: str, value: float, severity: Severity | None) -> None:
    run = a_run(Algorithm.PPO)
    values = [value] * 100
    assert worst(RULE, run.with_measured(metric, values) if metric == HOOK else run.with_metric(metric, values)) is severity


def test_the_first_updates_do_not_count() -> None:
    assert not findings(RULE, a_run(Algorithm.PPO).with_measured(HOOK, [-5.0] * 50 + [0.3] * 50))
    found = only(RULE, a_run(Algorithm.PPO).with_measured(HOOK, [-1.0] * 100))
    assert (found.first_step, found.detected_step) == (51, 70)


def test_it_must_be_often() -> None:
    values = [0.2] * 50 + [-1.0, 0.2] * 40
    assert not findings(RULE, a_run(Algorithm.PPO).with_measured(HOOK, values))


def test_returns_that_do_not_vary_say_nothing() -> None:
    assert not findings(RULE, a_run(Algorithm.PPO).with_measured(HOOK, [float("nan"), None] * 50))


def test_other_trainers_have_no_critic() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_measured(HOOK, [-5.0] * 100))


def test_the_words() -> None:
    run = a_run(Algorithm.PPO, config={"vf_coef": 0.1, "cliprange_value": 0.2}).with_measured(HOOK, [-0.8] * 100)
    found = only(RULE, run)
    assert "-0.8" in found.summary
    assert [(item.parameter, item.proposed) for item in found.advice] == [
        (None, None),
        ("vf_coef", "0.2"),
        ("cliprange_value", "0.4"),
    ]
