"""Margins beyond all reason."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.rm_margin_explosion import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "rm-margin-explosion"


def reward_model(margin: float, span: float = 5.0, **config: object) -> RunBuilder:
    run = a_run(Algorithm.REWARD, config={"learning_rate": 1e-3, "center_rewards_coefficient": None, **config})
    return run.with_metrics(margin=[margin] * 60, max_reward=[span / 2] * 60, min_reward=[-span / 2] * 60)


@pytest.mark.parametrize(
    ("margin", "span", "severity"), [(9.9, 49.0, None), (10.1, 20.0, Severity.WARNING), (3.0, 51.0, Severity.WARNING)]
)
def test_the_limits(margin: float, span: float, severity: Severity | None) -> None:
    assert worst(RULE, reward_model(margin, span)) is severity


def test_a_judgement_that_keeps_pace_is_silent() -> None:
    run = reward_model(15.0)
    assert not findings(RULE, run.with_metric("eval/loss", [0.3, 0.2, 0.1], first=15, every=15))
    found = only(RULE, run.with_metric("eval/loss", [0.3, 0.2, 0.25], first=15, every=15))
    assert found.detected_step == 45
    assert "0.25" in found.summary


def test_the_words() -> None:
    found = only(RULE, reward_model(15.0))
    assert found.detected_step == LIMITS.logs
    assert "margin reached 15" in found.summary
    assert "nothing was evaluated" in found.summary
    proposed = {item.parameter: item.proposed for item in found.advice}
    assert proposed == {"center_rewards_coefficient": "0.01", "learning_rate": "0.0003"}
    wide = only(RULE, reward_model(3.0, 60.0, center_rewards_coefficient=0.01))
    assert "spanned 60" in wide.summary
    assert {item.parameter for item in wide.advice} == {"learning_rate"}


def test_it_waits_for_the_warm_up_and_leaves_others_out() -> None:
    assert not findings(RULE, reward_model(15.0, warmup_steps=100))
    assert not findings(RULE, a_run(Algorithm.DPO).with_metric("margin", [20.0] * 60))
