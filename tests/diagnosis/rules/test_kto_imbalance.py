"""Uneven kinds of examples in KTO."""

from __future__ import annotations

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "kto-imbalance"


def kto(share: float, **config: object) -> RunBuilder:
    return a_run(Algorithm.KTO, config=config).with_measured("hook/data_desirable", [share])


@pytest.mark.parametrize(
    ("share", "weights", "severity"),
    [
        (0.5, {}, None),
        (0.34, {}, None),
        (0.33, {}, Severity.WARNING),
        (0.71, {}, None),
        (0.72, {}, Severity.WARNING),
        (0.9, {"desirable_weight": 1.0, "undesirable_weight": 8.0}, None),
        (0.5, {"desirable_weight": 1.0, "undesirable_weight": 3.0}, Severity.WARNING),
        (1.0, {}, Severity.INFO),
        (0.0, {}, Severity.INFO),
    ],
)
def test_number_times_weight_is_what_counts(share: float, weights: dict[str, float], severity: Severity | None) -> None:
    assert worst(RULE, kto(share, **weights)) is severity


def test_only_kto_has_the_two_kinds() -> None:
    assert not findings(RULE, a_run(Algorithm.DPO).with_measured("hook/data_desirable", [0.9]))


@pytest.mark.parametrize(
    ("share", "parameter", "proposed"), [(10 / 11, "undesirable_weight", "10"), (0.2, "desirable_weight", "4")]
)
def test_the_rarer_kind_is_weighed_up(share: float, parameter: str, proposed: str) -> None:
    found = only(RULE, kto(share, desirable_weight=1.0, undesirable_weight=1.0))
    (advice,) = found.advice
    assert (advice.parameter, advice.proposed, advice.current) == (parameter, proposed, 1.0)


def test_one_kind_alone_is_worded_as_such() -> None:
    assert only(RULE, kto(1.0)).summary == "All training examples are desirable."
    assert only(RULE, kto(0.0)).summary == "All training examples are undesirable."
