"""Sampler and trainer that disagree."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.diagnosis.rules.rollout_mismatch import LIMITS
from rldk_tui.events import Algorithm, Json, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "rollout-mismatch"
NOISE = np.random.default_rng(0).uniform(-0.0005, 0.0005, 128)


def gaps(values: list[float], **config: Json) -> RunBuilder:
    return a_run(Algorithm.GRPO, config=config).with_metric("sampling/sampling_logp_difference/mean", values)


@pytest.mark.parametrize(
    ("gap", "severity"),
    [
        (LIMITS.warning - 0.001, None),
        (LIMITS.warning + 0.001, Severity.WARNING),
        (LIMITS.high - 0.001, Severity.WARNING),
        (LIMITS.high + 0.001, Severity.HIGH),
    ],
)
def test_the_limits(gap: float, severity: Severity | None) -> None:
    assert worst(RULE, gaps([gap] * 30)) is severity


def test_onset_and_detection() -> None:
    found = only(RULE, gaps([0.005] * 20 + [0.1] * 20))
    assert (found.first_step, found.detected_step) == (21, 23)
    assert "it began at 0.005" in found.summary


def test_two_logs_in_five_are_silent() -> None:
    assert not findings(RULE, gaps([0.1, 0.1, 0.0, 0.0, 0.0] * 10))


def test_a_steady_rise_is_told_before_the_level_is_reached() -> None:
    found = only(RULE, gaps(list(np.linspace(0.004, 0.016, 128) + NOISE)))
    assert found.severity is Severity.WARNING
    assert "grows from step to step" in (found.cause or "")
    assert not findings(RULE, gaps(list(np.linspace(0.0001, 0.0016, 128))))
    assert not findings(RULE, gaps(list(0.016 + NOISE)))


def test_the_advice_is_what_is_not_set_already() -> None:
    config: dict[str, Json] = {"cast_lm_head_to_fp32": False, "vllm_importance_sampling_correction": False}
    found = only(RULE, gaps([0.1] * 10, **config))
    assert [advice.parameter for advice in found.advice] == [*config, None]
    found = only(RULE, gaps([0.1] * 10, cast_lm_head_to_fp32=True, vllm_importance_sampling_correction=True))
    assert [advice.parameter for advice in found.advice] == [None]
