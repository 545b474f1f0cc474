"""Singular values and stable ranks."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.ckpt_spectral import GROWTH, RANK
from rldk_tui.events import Severity
from tests.builders import a_run, findings, only, worst

RULE = "ckpt-spectral"


@pytest.mark.parametrize(
    ("metric", "value", "severity"),
    [
        (GROWTH, 2.0, None),
        (GROWTH, 2.1, Severity.WARNING),
        (RANK, 0.5, None),
        (RANK, 0.49, Severity.WARNING),
        (RANK, 1.5, None),
    ],
)
def test_the_limits(metric: str, value: float, severity: Severity | None) -> None:
    assert worst(RULE, a_run().with_measured(metric, [value])) is severity


def test_the_peak_is_the_far_end_of_either() -> None:
    run = a_run().with_measured(RANK, [1.0, 0.4, 0.2, 0.3], first=50, every=50, about=("q_proj.weight",))
    found = only(RULE, run)
    assert "kept 20 % of its stable rank (limit 50 %) by the checkpoint of step 150 (q_proj.weight)" in found.summary
    assert "3.0-fold" in only(RULE, a_run().with_measured(GROWTH, [2.5, 3.0, 2.2])).summary


def test_both_are_told_of() -> None:
    assert len(findings(RULE, a_run().with_measured(GROWTH, [4.0]).with_measured(RANK, [0.1]))) == 2


def test_weight_decay_is_proposed_where_there_is_none() -> None:
    for decay, names in ((0.0, ["learning_rate", "weight_decay"]), (0.1, ["learning_rate"])):
        found = only(RULE, a_run(config={"learning_rate": 1e-5, "weight_decay": decay}).with_measured(GROWTH, [4.0]))
        assert [item.parameter for item in found.advice] == names
