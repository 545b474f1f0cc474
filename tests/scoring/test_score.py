"""The score's promises, for any findings."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.events import Severity
from rldk_tui.scoring import Evaluated, Family, Judged, score_of

JUDGED = st.builds(
    Judged,
    id=st.uuids().map(str),
    rule=st.sampled_from(["truncation", "reward-collapse", "nan-step-masked", "kl-too-high"]),
    family=st.sampled_from(Family),
    severity=st.sampled_from(Severity),
    open=st.booleans(),
    share=st.floats(0, 1),
)
FINDINGS = st.lists(JUDGED, max_size=8)


def rule(name: str = "r", *, evaluated: bool = True, beyond_logs: bool = False, family: Family = Family.REWARD) -> Evaluated:
    return Evaluated(rule=name, family=family, ceiling=Severity.CRITICAL, evaluated=evaluated, beyond_logs=beyond_logs)


def value(findings: list[Judged]) -> float:
    score = score_of(findings, [rule()])
    assert score.value is not None
    return score.value


@given(FINDINGS, JUDGED)
def test_one_more_finding_never_raises_the_score(findings: list[Judged], more: Judged) -> None:
    assert value([*findings, more]) <= value(findings)


@given(st.lists(JUDGED, min_size=1, max_size=6), st.sampled_from(Severity), st.floats(0, 1))
def test_a_worse_longer_or_reopened_finding_never_raises_the_score(
    findings: list[Judged], severity: Severity, share: float
) -> None:
    first, *rest = findings
    worse = replace(
        first,
        severity=max(first.severity, severity, key=lambda level: level.rank),
        share=max(first.share, share),
        open=True,
    )
    assert value([worse, *rest]) <= value(findings) + 1e-12


@given(FINDINGS, st.randoms())
def test_the_order_of_findings_does_not_matter(findings: list[Judged], random: object) -> None:
    shuffled = list(findings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert abs(value(findings) - value(shuffled)) < 1e-12


@given(FINDINGS)
def test_the_score_lies_between_0_and_1_and_an_open_critical_is_never_outvoted(findings: list[Judged]) -> None:
    score = value(findings)
    assert 0.0 <= score <= 1.0
    if any(finding.open and finding.severity is Severity.CRITICAL for finding in findings):
        assert score <= 0.39


@given(FINDINGS)
def test_a_rule_that_finds_nothing_changes_the_coverage_alone(findings: list[Judged]) -> None:
    before, after = score_of(findings, [rule()]), score_of(findings, [rule(), rule("s", evaluated=False)])
    assert before.value == after.value
    assert (before.coverage, after.coverage) == (1.0, 0.5)


def test_logs_alone_give_no_a() -> None:
    assert score_of([], [rule()]).grade == "B?"
    assert score_of([], [rule(), rule("hook", beyond_logs=True)]).grade == "A"


def test_too_little_coverage_gives_no_sure_letter() -> None:
    rules = [rule(beyond_logs=True), *(rule(str(number), evaluated=False) for number in range(4))]
    assert score_of([], rules).grade == "B?"


def test_without_a_primary_signal_there_is_no_score() -> None:
    score = score_of([], [rule(family=Family.SYSTEM), rule("x", evaluated=False)])
    assert (score.value, score.grade) == (None, "not graded")
    assert score_of([], []).coverage is None


def test_masked_nans_are_fatal_while_they_last() -> None:
    fatal = Judged(id="a", rule="nan-step-masked", family=Family.NONFINITE, severity=Severity.CRITICAL, open=True, share=1.0)
    score = score_of([fatal], [rule()])
    assert (score.value, score.grade) == (0.0, "F?")
    assert "nan-step-masked" in score.caps[0].reason


@given(st.lists(JUDGED, min_size=1, max_size=6, unique_by=lambda finding: finding.id))
def test_each_finding_costs_what_the_score_would_gain_without_it(findings: list[Judged]) -> None:
    score = score_of(findings, [rule()])
    for finding in findings:
        effect = score.effect(finding.id)
        assert effect is not None
        others = [other for other in findings if other is not finding]
        assert effect == value(others) - value(findings) >= 0
    assert score.effect("nobody") is None


def test_a_finding_behind_a_worse_cap_costs_nothing_and_one_without_a_score_nothing_that_is_known() -> None:
    worst = Judged(id="a", rule="x", family=Family.KL, severity=Severity.CRITICAL, open=True, share=1.0)
    also = Judged(id="b", rule="y", family=Family.KL, severity=Severity.WARNING, open=False, share=0.01)
    score = score_of([worst, also], [rule()])
    assert (score.effect("b") or 0.0) < 0.01 < (score.effect("a") or 0.0)
    assert score_of([worst], []).effect("a") is None


@given(JUDGED, st.floats(0, 1))
def test_less_confidence_never_lowers_the_score(finding: Judged, confidence: float) -> None:
    assert value([replace(finding, confidence=confidence)]) >= value([finding])
