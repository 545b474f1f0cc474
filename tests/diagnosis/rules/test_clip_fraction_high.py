"""Updates cut off by the trust region."""

from __future__ import annotations

from typing import Any

import pytest

from rldk_tui.diagnosis.rules.clip_fraction_high import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, diagnosis_of, findings, only, worst

RULE = "clip-fraction-high"
QUIET = [0.05] * 20
REUSED = {"num_iterations": 8, "steps_per_generation": 1, "gradient_accumulation_steps": 1}


def grpo(share: list[float], algorithm: Algorithm = Algorithm.GRPO, **config: Any) -> RunBuilder:
    return a_run(algorithm, config={**REUSED, **config}).with_metric("clip_ratio/region_mean", share)


def test_the_limits() -> None:
    high = only(RULE, grpo([*QUIET, *[LIMITS.high + 0.01] * 10]))
    assert (high.severity, high.first_step, high.detected_step) == (Severity.HIGH, 21, 23)
    warning = only(RULE, grpo([*QUIET, *[LIMITS.warning + 0.01] * 20]))
    assert (warning.severity, warning.first_step, warning.detected_step) == (Severity.WARNING, 21, 30)
    assert not findings(RULE, grpo([*QUIET, *[LIMITS.warning - 0.01] * 20]))
    assert not findings(RULE, grpo([*QUIET, 0.5, 0.5, *QUIET]))


@pytest.mark.parametrize(
    ("algorithm", "config"), [(Algorithm.RLOO, {}), (Algorithm.GRPO, {"importance_sampling_level": "sequence"})]
)
def test_whole_replies_may_show_twice_as_much(algorithm: Algorithm, config: dict[str, Any]) -> None:
    assert not findings(RULE, grpo([0.39] * 40, algorithm, **config))
    assert worst(RULE, grpo([0.41] * 40, algorithm, **config)) is Severity.WARNING
    assert worst(RULE, grpo([0.61] * 40, algorithm, **config)) is Severity.HIGH


def test_the_first_updates_do_not_count() -> None:
    ppo = a_run(Algorithm.PPO).with_metric("policy/clipfrac_avg", [0.9] * LIMITS.first + [0.9, 0.9] + QUIET)
    assert not findings(RULE, ppo)


@pytest.mark.parametrize("config", [{"num_iterations": 1}, {"epsilon": 3e-4}])
def test_where_the_share_means_nothing(config: dict[str, Any]) -> None:
    (silent,) = diagnosis_of(RULE, grpo([0.9] * 40, **config)).not_evaluated
    assert not silent.applicable


def test_replies_kept_for_several_steps_are_judged() -> None:
    assert findings(RULE, grpo([0.5] * 40, num_iterations=1, steps_per_generation=4))


def test_the_words() -> None:
    found = only(RULE, grpo([0.5] * 40))
    assert "50%" in found.summary
    assert (found.advice[0].parameter, found.advice[0].proposed) == ("num_iterations", "4")
    assert "A guess" in found.advice[-1].text
    assert not diagnosis_of(RULE, a_run(Algorithm.DPO).with_metric("clip_fraction", [0.9] * 30)).findings
