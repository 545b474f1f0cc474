"""What every rule must keep, whoever wrote it."""

from __future__ import annotations

import pkgutil
import re
import warnings
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given, settings

from rldk_tui.diagnosis import rules
from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.rule import MANUAL_HEADINGS, Context, NamedRule, RowRule
from rldk_tui.events import Algorithm
from rldk_tui.run import RunInfo
from tests.builders import Value, a_run, diagnosis_of
from tests.histories import METRICS, History, histories, polled

NAMES = tuple(module.name for module in pkgutil.iter_modules(rules.__path__))
RULES = {rule.id: rule for rule in load_rules()}
TESTS = Path(__file__).parents[1] / "diagnosis" / "rules"
_SOURCE = re.compile(
    r"arXiv \d{4}\.\d{4,5}|TRL|DAPO|SageMaker|Spinning Up|open-r1 issue|transformers|catalogue|Catalogue|\bRFC\b|http"
)
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def test_the_file_name_is_the_id() -> None:
    assert {name.replace("_", "-") for name in NAMES} <= set(RULES)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule_id) for rule_id in RULES)


@every_rule
def test_the_manual_is_complete_and_cites_a_source(rule: NamedRule) -> None:
    places = [rule.manual.index(heading) for heading in MANUAL_HEADINGS]
    assert places == sorted(places)
    parts = re.split("|".join(MANUAL_HEADINGS), rule.manual)[1:]
    assert all(len(part.split()) >= 12 for part in parts), "each heading is followed by something worth reading"
    assert _SOURCE.search(parts[-1])
    assert rule.title[0].isupper()
    assert len(rule.title) <= 80


@pytest.mark.parametrize("name", NAMES)
def test_the_limits_are_a_frozen_dataclass_with_a_docstring(name: str) -> None:
    module = import_module(f"{rules.__name__}.{name}")
    assert is_dataclass(module.Limits)
    assert module.Limits.__doc__
    assert fields(module.Limits)
    with pytest.raises((AttributeError, TypeError)):
        setattr(module.LIMITS, fields(module.Limits)[0].name, None)


@pytest.mark.parametrize("name", NAMES)
def test_it_has_tests_of_its_own(name: str) -> None:
    assert (TESTS / f"test_{name}.py").is_file()


@every_rule
def test_an_empty_run_has_no_findings(rule: NamedRule) -> None:
    assert not diagnosis_of(rule.id, a_run()).findings


CASES: dict[str, list[Value]] = {
    "one point": [0.5],
    "constant": [0.5] * 100,
    "zero": [0.0] * 100,
    "NaN": [float("nan")] * 100,
    "infinite": [float("inf"), float("-inf")] * 50,
    "huge": [1e308, -1e308, 1.7e308] * 40,
    "tiny": [5e-324, -5e-324] * 50,
    "None": [None] * 100,
    "gaps": [0.5, ..., ..., None, float("nan")] * 20,
}


@every_rule
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("algorithm", [None, Algorithm.GRPO, Algorithm.RLOO, Algorithm.PPO, Algorithm.DPO, Algorithm.KTO])
def test_it_survives_this_history_without_a_word_from_numpy(rule: NamedRule, case: str, algorithm: Algorithm | None) -> None:
    run = a_run(algorithm)
    for metric in METRICS:
        run = run.with_metric(metric, CASES[case])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        diagnosis_of(rule.id, run)
        diagnosis_of(rule.id, run.relaunched(40).with_metric("loss", [1.0] * 20))


@settings(max_examples=80)
@given(histories())
def test_they_survive_any_history_without_a_word_from_numpy(history: History) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        diagnosis = polled(history, load_rules())
    assert not diagnosis.failures, diagnosis.failures
    for finding in diagnosis.findings:
        assert finding.first_step <= finding.detected_step <= finding.last_step
        assert len(finding.summary.splitlines()) == 1
        assert not re.search(r"\bnan\b", finding.summary)
        assert all(item.text for item in finding.advice)


@every_rule
def test_it_takes_no_rows_at_all(rule: NamedRule) -> None:
    """The trial rows of an ended launch are none."""
    if not isinstance(rule.rule, RowRule):
        return
    rows = a_run(Algorithm.GRPO).with_metric("kl", [0.1] * 3).snapshot().segments[0].rows
    for scope in rule.rule.reads or ("loss",):
        verdict = rule.rule.watch(
            rows[3:], rule.rule.fresh, Context(RunInfo(algorithm=Algorithm.GRPO), scope, rule.rule.limits)
        )
        assert verdict.at.size == verdict.level.size == verdict.value.size == 0
