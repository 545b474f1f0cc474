"""Gains of normalisation layers."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.ckpt_norm_gain_drift import DRIFT, FLIPS
from rldk_tui.events import Severity
from tests.builders import a_run, only, worst

RULE = "ckpt-norm-gain-drift"


@pytest.mark.parametrize(
    ("metric", "value", "severity"),
    [(DRIFT, 0.1, None), (DRIFT, 0.11, Severity.WARNING), (FLIPS, 0.01, None), (FLIPS, 0.02, Severity.WARNING)],
)
def test_the_limits(metric: str, value: float, severity: Severity | None) -> None:
    assert worst(RULE, a_run().with_measured(metric, [value])) is severity


def test_the_words() -> None:
    run = a_run(config={"learning_rate": 3e-4}).with_measured(DRIFT, [0.05, 0.3], first=50, every=50, about=("model.norm",))
    found = only(RULE, run)
    assert found.summary == (
        "The gains of a normalisation layer have moved by 30 % by the checkpoint of step 100 (limit 10 %) (model.norm)."
    )
    assert (found.advice[0].parameter, found.advice[0].proposed) == ("learning_rate", "0.0001")
    assert only(RULE, a_run().with_measured(FLIPS, [0.05])).summary.startswith("5 % of the gains")
