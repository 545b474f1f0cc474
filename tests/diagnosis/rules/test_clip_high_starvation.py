"""An upper clip that starves rare tokens."""

from __future__ import annotations

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, diagnosis_of, findings, only

RULE = "clip-high-starvation"
FALLING = [3.0 - 0.02 * step + 0.01 * (step % 3) for step in range(100)]


def grpo(high: float, low: float, entropy: list[float] = FALLING, **config: object) -> RunBuilder:
    run = a_run(Algorithm.GRPO, config=config).with_metric("entropy", entropy)
    return run.with_metric("clip_ratio/high_mean", [high] * 100).with_metric("clip_ratio/low_mean", [low] * 100)


def test_it_is_a_remark() -> None:
    found = only(RULE, grpo(0.02, 0.003, epsilon_high=None))
    assert found.severity is Severity.INFO
    assert "2.0%" in found.summary
    assert (found.advice[0].parameter, found.advice[0].proposed) == ("epsilon_high", "0.28")


@pytest.mark.parametrize(("high", "low"), [(0.009, 0.0), (0.02, 0.005)])
def test_what_is_too_little_or_too_even_is_silent(high: float, low: float) -> None:
    assert not findings(RULE, grpo(high, low))


def test_while_the_entropy_holds_it_is_silent() -> None:
    assert not findings(RULE, grpo(0.02, 0.0, [2.0, 2.1] * 50))


def test_a_wide_clip_and_other_trainers() -> None:
    assert not diagnosis_of(RULE, grpo(0.02, 0.0, epsilon_high=0.28)).not_evaluated[0].applicable
    run = a_run(Algorithm.PPO).with_metric("clip_ratio/high_mean", [0.5] * 50)
    assert not diagnosis_of(RULE, run).findings
