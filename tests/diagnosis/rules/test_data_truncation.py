"""Training data that is cut."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.data_truncation import ALIKE, CUT
from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, findings, only, worst

RULE = "data-truncation"


@pytest.mark.parametrize(
    ("metric", "share", "severity"),
    [
        (CUT, 0.05, None),
        (CUT, 0.06, Severity.WARNING),
        (CUT, 0.25, Severity.WARNING),
        (CUT, 0.26, Severity.HIGH),
        (ALIKE, 0.01, None),
        (ALIKE, 0.02, Severity.HIGH),
        (CUT, None, None),
    ],
)
def test_the_limits(metric: str, share: float | None, severity: Severity | None) -> None:
    assert worst(RULE, a_run(Algorithm.DPO).with_measured(metric, [share])) is severity


def test_each_measurement_is_told_of() -> None:
    run = a_run(Algorithm.DPO).with_measured(CUT, [0.4]).with_measured(ALIKE, [0.4])
    assert {found.metric for found in findings(RULE, run)} == {CUT, ALIKE}


def test_trainers_that_sample_their_text_are_left_out() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_measured(CUT, [0.9]))


def test_the_words() -> None:
    config = {"max_length": 1024, "packing": False}
    found = only(RULE, a_run(Algorithm.SFT, config=config).with_measured(CUT, [0.3], first=0))
    assert "30 % of the training examples are cut off at max_length=1024" in found.summary
    assert [(item.parameter, item.proposed) for item in found.advice[:2]] == [("max_length", "2048"), ("packing", "True")]
    assert found.first_step == 0
