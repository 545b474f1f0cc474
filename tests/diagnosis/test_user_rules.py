"""A person's own rules and bands: they speak like any other rule."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings

from rldk_tui.diagnosis.custom_bands import band_rules
from rldk_tui.diagnosis.engine import Engine
from rldk_tui.diagnosis.expressions import expression
from rldk_tui.diagnosis.findings import Diagnosis
from rldk_tui.diagnosis.rule import MANUAL_HEADINGS, NamedRule
from rldk_tui.diagnosis.user_rules import UserRule
from rldk_tui.events import Severity
from rldk_tui.metrics import Band
from tests.builders import RunBuilder, Value, a_run
from tests.histories import History, at_once, histories, polled


def rule_of(expr: str, *, logs: int = 1, severity: Severity = Severity.WARNING, metric: str | None = None) -> NamedRule:
    condition = expression(expr)
    rule = UserRule(
        id="mine",
        condition=condition,
        consecutive=logs,
        severity=severity,
        summary="Beyond what we agreed.",
        advice="Call us.",
        metric=metric or condition.metrics[0],
        source="rldk.toml",
    )
    return rule.named()


def diagnosed(rule: NamedRule, run: RunBuilder) -> Diagnosis:
    diagnosis = Engine([rule]).diagnose(run.snapshot())
    assert not diagnosis.failures
    return diagnosis


def test_it_speaks_when_the_condition_held_for_so_many_logs_in_a_row() -> None:
    values: list[Value] = [1.0, 20.0, 20.0, 1.0, 16.0, 17.0, 30.0, 18.0]
    (found,) = diagnosed(rule_of("kl > 15", logs=3, severity=Severity.HIGH), a_run().with_metric("kl", values)).findings
    assert (found.rule, found.severity, found.metric) == ("mine", Severity.HIGH, "kl")
    assert (found.first_step, found.detected_step, found.last_step, found.open) == (5, 7, 8, True)
    assert found.summary == "Beyond what we agreed (kl > 15 in 3 logs in a row; kl reached 30 at step 7)."
    assert (found.evidence.limit, found.evidence.peak) == (15.0, 30.0)
    assert found.advice[0].text == "Call us."
    assert not diagnosed(rule_of("kl > 15", logs=5), a_run().with_metric("kl", values)).findings


def test_the_peak_of_a_lower_limit_is_the_lowest_value() -> None:
    (found,) = diagnosed(rule_of("entropy < 0.1"), a_run().with_metric("entropy", [0.09, 0.01, 0.05])).findings
    assert found.evidence.peak == 0.01


def test_logs_without_its_metrics_neither_count_nor_interrupt() -> None:
    run = a_run().with_metric("loss", [1.0] * 6).with_metric("kl", [20.0, ..., 20.0, None, ..., 20.0])
    (found,) = diagnosed(rule_of("kl > 15", logs=3), run).findings
    assert (found.first_step, found.detected_step) == (1, 6)


def test_it_is_not_evaluated_while_one_of_its_columns_is_not_logged() -> None:
    diagnosis = diagnosed(rule_of("kl > 15 AND rewrd > 0"), a_run().with_metric("kl", [20.0] * 9))
    assert not diagnosis.findings
    assert [(silent.rule, silent.reason, silent.applicable) for silent in diagnosis.not_evaluated] == [
        ("mine", "rewrd is not logged", True)
    ]


@pytest.mark.parametrize("rule", [rule_of("kl > 15"), *band_rules({"kl": Band(None, 0.3, "rldk.toml")})])
def test_its_manual_is_complete(rule: NamedRule) -> None:
    assert [heading for heading in MANUAL_HEADINGS if heading in rule.manual.splitlines()] == list(MANUAL_HEADINGS)
    assert rule.title


RULES = (
    rule_of("kl > 0.5 AND (reward < 1 OR entropy IS NULL)", logs=3),
    *band_rules({"kl": Band(0.0, 0.3, "rldk.toml"), "reward": Band(None, 1.0, "rldk.toml"), "my/own": Band(0.1, None, "x")}),
)


@settings(max_examples=60)
@given(histories())
def test_the_answer_does_not_depend_on_how_the_log_was_cut(history: History) -> None:
    live, whole = polled(history, RULES), at_once(history.events, RULES)
    assert not live.failures
    assert repr(live) == repr(whole)


def banded(low: float | None, high: float | None, values: Sequence[Value]) -> Diagnosis:
    (rule,) = band_rules({"kl": Band(low, high, str(Path("rldk.toml")))})
    return diagnosed(rule, a_run().with_metric("kl", values))


def test_five_logs_of_eight_outside_a_band_are_a_warning() -> None:
    inside, outside = 0.2, 0.4
    assert not banded(0.0, 0.3, [inside] * 8 + [outside] * 4 + [inside] * 9).findings
    (found,) = banded(0.0, 0.3, [inside] * 8 + [outside, inside] * 3 + [0.9, outside]).findings
    assert (found.rule, found.severity) == ("band-kl", Severity.WARNING)
    assert (found.first_step, found.detected_step) == (9, 16)
    assert found.evidence.limit == 0.3
    assert "outside the band 0–0.3 set in rldk.toml" in found.summary


def test_the_peak_lies_furthest_outside_on_either_side() -> None:
    (found,) = banded(0.0, 0.3, [0.4, 0.4, 0.5, 0.4, 0.4, -3.0, 0.5]).findings
    assert (found.evidence.peak, found.evidence.peak_step) == (-3.0, 6)
    (found,) = banded(0.5, None, [0.4] * 5).findings
    assert found.evidence.limit == 0.5


def test_what_was_not_logged_as_a_number_is_not_outside() -> None:
    assert not banded(0.0, 0.3, [None, ..., float("nan"), float("inf")] * 5 + [0.2]).findings


def test_bands_of_like_names_are_rules_of_their_own() -> None:
    rules = band_rules({"a/b": Band(0.0, 1.0, "x"), "a-b": Band(0.0, 1.0, "x")})
    assert len({rule.id for rule in rules}) == 2
