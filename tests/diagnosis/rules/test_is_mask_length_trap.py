"""Replies that are masked because they are long."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.is_mask_length_trap import LIMITS, RATIO
from rldk_tui.events import Algorithm, Json, Severity
from tests.builders import RunBuilder, a_run, diagnosis_of, findings, only, worst

RULE = "is-mask-length-trap"


def ratios(values: list[float], **config: Json) -> RunBuilder:
    run = a_run(Algorithm.GRPO, config=config).with_metric(RATIO, values)
    run = run.with_metric("sampling/sampling_logp_difference/mean", [0.012] * len(values))
    return run.with_metric("completions/mean_length", [100.0] * len(values))


@pytest.mark.parametrize(("ratio", "severity"), [(LIMITS.kept + 0.01, None), (LIMITS.kept - 0.01, Severity.HIGH)])
def test_the_limit(ratio: float, severity: Severity | None) -> None:
    assert worst(RULE, ratios([ratio] * 30)) is severity


def test_onset_detection_and_words() -> None:
    found = only(RULE, ratios([0.99] * 20 + [0.4, 0.4, 0.4, 0.4, 0.3], vllm_importance_sampling_mode="sequence_mask"))
    assert (found.first_step, found.detected_step, found.evidence.peak) == (21, 25, 0.3)
    assert "0.012 nat a token over 100 tokens may make a ratio of 3.32" in (found.cause or "")
    assert (found.advice[0].current, found.advice[0].proposed) == ("sequence_mask", "token_truncate")


def test_four_logs_in_ten_are_silent() -> None:
    assert not findings(RULE, ratios(([0.4] * 4 + [0.9] * 6) * 5))


@pytest.mark.parametrize(
    "config",
    [{"vllm_importance_sampling_mode": "token_truncate"}, {"vllm_importance_sampling_correction": False}],
)
def test_it_is_not_for_runs_that_mask_no_sequences(config: dict[str, Json]) -> None:
    diagnosis = diagnosis_of(RULE, ratios([0.1] * 30, **config))
    assert not diagnosis.findings
    assert not diagnosis.not_evaluated[0].applicable


def test_the_name_of_the_limit_is_that_of_the_version() -> None:
    old = only(RULE, ratios([0.1] * 30, vllm_importance_sampling_cap=2.0)).advice[1]
    assert (old.parameter, old.current, old.proposed) == ("vllm_importance_sampling_cap", 2.0, "6")
    new = only(RULE, ratios([0.1] * 30, vllm_importance_sampling_clip_max=3.0)).advice[1]
    assert (new.parameter, new.proposed) == ("vllm_importance_sampling_clip_max", "9")
