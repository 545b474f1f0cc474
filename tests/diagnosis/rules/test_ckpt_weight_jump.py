"""Tensors that moved out of all proportion."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.ckpt_weight_jump import OUTLIER, Z
from rldk_tui.events import Severity
from tests.builders import a_run, findings, only, worst

RULE = "ckpt-weight-jump"


@pytest.mark.parametrize(
    ("change", "z", "severity"),
    [
        (0.04, 50.0, None),
        (0.06, 8.1, Severity.WARNING),
        (0.3, 50.0, Severity.WARNING),
        (0.31, 50.0, Severity.HIGH),
        (2.0, 7.9, None),
        (2.0, None, None),
    ],
)
def test_it_must_be_large_and_stand_out(change: float, z: float | None, severity: Severity | None) -> None:
    assert worst(RULE, a_run().with_measured(OUTLIER, [change]).with_measured(Z, [z])) is severity


def test_the_words_name_the_tensor() -> None:
    run = a_run().with_measured(OUTLIER, [0.02, 0.5], first=50, every=50, about=("model.norm.weight",))
    found = only(RULE, run.with_measured(Z, [3.0, 40.0], first=50, every=50))
    assert found.first_step == 100
    assert "50 % in 100 steps (limit 30 %), 40 spreads" in found.summary
    assert "(model.norm.weight)" in found.summary


def test_without_what_the_other_tensors_did_nothing_is_said() -> None:
    assert not findings(RULE, a_run().with_measured(OUTLIER, [5.0]))
