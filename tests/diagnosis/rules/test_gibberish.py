"""Replies that are no language."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, Value, a_run, findings, only, worst

RULE = "gibberish"
CHARACTERS, SURPRISE = "samples/unprintable", "samples/ref_nll"


def text(name: str, values: Sequence[Value]) -> RunBuilder:
    return a_run(Algorithm.GRPO, config={"beta": 0.0, "learning_rate": 1e-6}).with_metric(name, values)


@pytest.mark.parametrize(
    ("name", "before", "after", "severity"),
    [
        (CHARACTERS, 0.0, 0.019, None),
        (CHARACTERS, 0.0, 0.021, Severity.HIGH),
        (CHARACTERS, 0.05, 0.05, Severity.HIGH),
        (SURPRISE, 1.0, 2.4, None),
        (SURPRISE, 1.0, 2.6, Severity.HIGH),
        (SURPRISE, 3.0, 5.0, None),
    ],
    ids=["few", "many", "from the start", "less than 1.5 nat", "beyond both", "not twice"],
)
def test_the_limits(name: str, before: float, after: float, severity: Severity | None) -> None:
    assert worst(RULE, text(name, [before] * 10 + [after] * 10)) is severity


def test_onset_and_detection() -> None:
    found = only(RULE, text(CHARACTERS, [0.0] * 10 + [0.5] * 10))
    assert (found.first_step, found.detected_step) == (11, 13)
    assert "50 %" in found.summary
    assert "beta" in [item.parameter for item in found.advice]


def test_two_bad_batches_of_five_are_silent() -> None:
    assert not findings(RULE, text(CHARACTERS, [0.0, 0.5, 0.0, 0.5, 0.0] * 6))


def test_either_measure_is_enough() -> None:
    run = text(CHARACTERS, [0.0] * 20).with_metric(SURPRISE, [1.0] * 10 + [6.0] * 10)
    assert "6 nat/token" in only(RULE, run).summary
