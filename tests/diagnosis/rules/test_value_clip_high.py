"""A value function that is clipped."""

from __future__ import annotations

from rldk_tui.diagnosis.rules.value_clip_high import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only

RULE = "value-clip-high"


def ppo(share: list[float], **config: object) -> RunBuilder:
    return a_run(Algorithm.PPO, config=config).with_metric("val/clipfrac_avg", share)


def test_the_limit() -> None:
    found = only(RULE, ppo([0.0] * 20 + [LIMITS.share + 0.01] * 20, cliprange_value=0.2, whiten_rewards=False))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.WARNING, 21, 25)
    assert "51%" in found.summary
    assert {item.parameter: item.proposed for item in found.advice} == {"cliprange_value": "0.5", "whiten_rewards": "True"}
    assert not findings(RULE, ppo([0.0] * 20 + [LIMITS.share - 0.01] * 20))


def test_the_first_updates_do_not_count() -> None:
    assert not findings(RULE, ppo([0.9] * LIMITS.first + [0.9] * 4 + [0.0] * 20))
    assert only(RULE, ppo([0.9] * 30)).first_step == LIMITS.first + 1


def test_other_trainers_have_no_value_function() -> None:
    assert not findings(RULE, a_run(Algorithm.RLOO).with_metric("value_clip_fraction", [1.0] * 20))
