"""Everything is cut off, and what is cut off is masked."""

from __future__ import annotations

import pytest

from rldk_tui.events import Algorithm, Json, Severity
from tests.builders import RunBuilder, a_run, diagnosis_of, findings, only, worst

RULE = "all-completions-masked"
MASKED: dict[str, Json] = {"mask_truncated_completions": True, "max_completion_length": 256}


def cut(shares: list[float], config: dict[str, Json] | None = None, algorithm: Algorithm = Algorithm.GRPO) -> RunBuilder:
    return a_run(algorithm, config=MASKED if config is None else config).with_metric("completions/clipped_ratio", shares)


def test_the_limits() -> None:
    assert worst(RULE, cut([0.91] * 5)) is Severity.CRITICAL
    assert not findings(RULE, cut([0.9] * 20))
    assert not findings(RULE, cut([1.0, 1.0, 1.0, 1.0, 0.5] * 4))


def test_onset_and_detection() -> None:
    found = only(RULE, cut([0.1] * 10 + [1.0] * 10))
    assert (found.first_step, found.detected_step) == (11, 15)


@pytest.mark.parametrize(
    ("config", "algorithm"),
    [({"mask_truncated_completions": False}, Algorithm.GRPO), ({}, Algorithm.GRPO), (MASKED, Algorithm.PPO)],
)
def test_without_the_mask_it_is_not_for_this_run(config: dict[str, Json], algorithm: Algorithm) -> None:
    diagnosis = diagnosis_of(RULE, cut([1.0] * 20, config, algorithm))
    assert not diagnosis.findings
    assert not diagnosis.not_evaluated[0].applicable


def test_the_words() -> None:
    found = only(RULE, cut([1.0] * 8))
    assert "100 %" in found.summary
    assert [(item.parameter, item.proposed) for item in found.advice] == [
        ("max_completion_length", "512"),
        ("mask_truncated_completions", "False"),
    ]
