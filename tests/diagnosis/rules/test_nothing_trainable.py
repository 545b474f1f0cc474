"""Frozen weights, and weights outside of the optimizer."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.nothing_trainable import HELD, TOTAL, TRAINABLE
from rldk_tui.events import Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "nothing-trainable"


def run(total: float | None, trainable: float, held: float | None, about: tuple[str, ...] = ()) -> RunBuilder:
    built = a_run().with_measured(TRAINABLE, [trainable], first=0, about=about)
    for name, value in ((TOTAL, total), (HELD, held)):
        built = built if value is None else built.with_measured(name, [value], first=0)
    return built


@pytest.mark.parametrize(
    ("total", "trainable", "held", "severity"),
    [
        (1e9, 1e9, 1e9, None),
        (1e9, 1e6, 1e6, None),
        (1e9, 1e4, 1e4, None),
        (1e9, 9.9e3, 9.9e3, Severity.WARNING),
        (1e9, 0, 0, Severity.CRITICAL),
        (None, 0, None, Severity.CRITICAL),
        (1e9, 1e6, 0, Severity.CRITICAL),
        (1e9, 1e6, 0.4e6, Severity.HIGH),
        (1e9, 1e6, 0.9e6, Severity.WARNING),
        (1e9, 1e6, None, None),
        (None, 64, None, None),
    ],
)
def test_the_limits(total: float | None, trainable: float, held: float | None, severity: Severity | None) -> None:
    assert worst(RULE, run(total, trainable, held)) is severity


def test_it_is_known_before_the_first_step_and_lasts() -> None:
    found = only(RULE, run(1e9, 0, 0).with_metrics(loss=[1.0] * 30))
    assert (found.first_step, found.open) == (0, True)


def test_a_relaunch_that_trains_is_clean() -> None:
    mended = run(1e9, 0, 0).relaunched(10).with_measured(TRAINABLE, [1e9], first=10).with_measured(TOTAL, [1e9], first=10)
    (found,) = findings(RULE, mended)
    assert not found.open


def test_the_words() -> None:
    assert "None of the 1,000,000,000 parameters" in only(RULE, run(1e9, 0, 0)).summary
    assert "holds 0 of 1,000,000 trainable" in only(RULE, run(1e9, 1e6, 0)).summary
    assert "64 of 1,000,000,000 parameters are trainable (model.norm.weight)" in (
        only(RULE, run(1e9, 64, 64, about=("model.norm.weight",))).summary
    )
