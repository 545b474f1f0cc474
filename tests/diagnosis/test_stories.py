"""Findings joined to their causes, in severities that can be believed, the root of the worst story first."""

from __future__ import annotations

import random
from dataclasses import replace as with_fields

from msgspec.structs import replace

from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.rule import AnyRule, Need, RowRule
from rldk_tui.diagnosis.stories import JITTER, NEAR, tell_stories
from rldk_tui.events import Finding, Severity
from rldk_tui.scoring import Family

SAMPLE = next(rule.rule for rule in load_rules() if rule.id == "kl-too-high")
assert isinstance(SAMPLE, RowRule)


def rule(family: Family = Family.KL, *parents: str, adaptive: bool = False, needs: Need = Need.LOG) -> AnyRule:
    return with_fields(SAMPLE, family=family, explained_by=parents, adaptive=adaptive, needs=needs)


RULES: dict[str, AnyRule] = {
    "rate": rule(Family.OPTIMIZER),
    "setup": rule(Family.CONFIG, needs=Need.CONFIG),
    "kl": rule(Family.KL, "rate", "setup"),
    "entropy": rule(Family.ENTROPY, "rate", "kl"),
    "spike": rule(Family.GRADIENT, adaptive=True),
    "other": rule(Family.TEXT),
}


def found(name: str, first: int, last: int | None = None, severity: Severity = Severity.HIGH) -> Finding:
    return Finding(
        id=f"{name}:m:{first}", rule=name, severity=severity, metric="m", first_step=first, last_step=last or first + 50,
        detected_step=first, open=last is None, summary="s",
    )  # fmt: skip


def told(*findings: Finding) -> dict[str, Finding]:
    return {finding.id: finding for finding in tell_stories(findings, RULES)}


def test_a_consequence_names_its_cause_and_comes_after_it() -> None:
    stories = tell_stories([found("kl", 14, severity=Severity.CRITICAL), found("rate", 10, severity=Severity.WARNING)], RULES)
    assert [(finding.rule, finding.parent) for finding in stories] == [("rate", None), ("kl", "rate:m:10")]


def test_what_came_later_or_was_over_long_before_explains_nothing() -> None:
    assert told(found("kl", 14), found("rate", 14 + JITTER))["kl:m:14"].parent == f"rate:m:{14 + JITTER}"
    assert told(found("kl", 14), found("rate", 15 + JITTER))["kl:m:14"].parent is None
    assert told(found("kl", 50 + NEAR), found("rate", 10, 50))[f"kl:m:{50 + NEAR}"].parent == "rate:m:10"
    assert told(found("kl", 51 + NEAR), found("rate", 10, 50))[f"kl:m:{51 + NEAR}"].parent is None


def test_settings_come_before_logs_and_the_rest_are_alternatives() -> None:
    stories = told(found("kl", 30), found("rate", 5), found("setup", 20))
    assert stories["kl:m:30"].parent == "setup:m:20"
    assert stories["kl:m:30"].alternatives == ("rate:m:5",)


def test_the_earliest_of_equal_causes_is_named_and_no_rule_is_its_own_alternative() -> None:
    stories = told(found("kl", 30), found("rate", 9), found("rate", 20))
    assert (stories["kl:m:30"].parent, stories["kl:m:30"].alternatives) == ("rate:m:9", ())


def test_the_story_with_the_worst_finding_comes_first_whole() -> None:
    findings = [
        found("other", 1),
        found("rate", 10, severity=Severity.WARNING),
        found("kl", 12, severity=Severity.HIGH),
        found("entropy", 20, severity=Severity.CRITICAL),
    ]
    for seed in range(6):
        random.Random(seed).shuffle(findings)
        assert [finding.rule for finding in tell_stories(findings, RULES)] == ["rate", "entropy", "kl", "other"]


def test_an_adaptive_rule_alone_reaches_a_warning() -> None:
    alone = told(found("spike", 40), found("spike", 90, severity=Severity.WARNING))
    assert {finding.severity for finding in alone.values()} == {Severity.WARNING}
    beside = told(found("spike", 40), found("kl", 60, 70, severity=Severity.WARNING))
    assert beside["spike:m:40"].severity is Severity.HIGH
    settings = told(found("spike", 40), found("setup", 1))
    assert settings["spike:m:40"].severity is Severity.WARNING, "how a run is set up bears nothing out"
    far = told(found("spike", 40, 45), found("kl", 46 + NEAR))
    assert far["spike:m:40"].severity is Severity.WARNING


def test_what_one_rule_says_of_several_metrics_at_once_is_one_story() -> None:
    loss = replace(found("other", 40, severity=Severity.CRITICAL), metric="loss", id="other:loss:40")
    norm = replace(found("other", 39), metric="norm", id="other:norm:39")
    later = replace(found("other", 41 + JITTER), metric="norm", id="other:norm:late")
    stories = tell_stories([norm, loss, later], RULES)
    assert [(finding.id, finding.parent) for finding in stories] == [
        ("other:loss:40", None),
        ("other:norm:39", "other:loss:40"),
        ("other:norm:late", None),
    ]


def test_every_finding_has_an_id_of_its_own() -> None:
    twice = tell_stories([found("kl", 3, 9), found("kl", 3)], RULES)
    assert {finding.id for finding in twice} == {"kl:m:3", "kl:m:3#2"}


def test_the_causes_the_rules_name_exist_and_go_round_in_no_circle() -> None:
    rules = {named.id: named.rule for named in load_rules()}
    unknown = {(name, parent) for name, rule in rules.items() for parent in rule.explained_by if parent not in rules}
    assert not unknown
    settled: set[str] = set()
    while ready := {name for name, rule in rules.items() if name not in settled and settled.issuperset(rule.explained_by)}:
        settled |= ready
    assert settled == set(rules), f"in a circle: {sorted(set(rules) - settled)}"
