"""The check object and its formats, on real runs and on a hostile one."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from xml.etree import ElementTree

import jsonschema
import pytest
from msgspec.structs import replace as with_changes

from rldk_tui.diagnosis.findings import NotEvaluated, RuleFailure
from rldk_tui.events import Advice, Evidence, Finding, ReadProblem, Severity
from rldk_tui.session import RunHealth, RunSession
from rldk_tui.summary import RENDERERS, as_junit, check_object, check_schema, latest_metrics, once_object, to_json
from tests.conftest import SAMPLE_RUNS

HOSTILE = "</system-out>]]><script>alert(1)</script> | *x* \x00\x1b[31m\u202e\ud800 @all http://evil [a](b)\n# h"


def parsed(xml: str) -> ElementTree.Element:
    return ElementTree.fromstring(xml.encode())  # noqa: S314 - written by us, a moment ago


@pytest.fixture(scope="module")
def collapsed() -> RunHealth:
    return RunSession.open(SAMPLE_RUNS / "grpo-collapsed").poll()


@pytest.fixture(scope="module")
def hostile(collapsed: RunHealth) -> RunHealth:
    bare = Finding(
        id=f"x:{HOSTILE}:0",
        rule=collapsed.evaluated[0],
        severity=Severity.CRITICAL,
        metric=None,
        first_step=0,
        last_step=3,
        detected_step=1,
        open=True,
        summary=HOSTILE,
        evidence=Evidence(metric=HOSTILE, steps=(1, 2, 3), values=(None, math.nan, -math.inf), limit=math.inf),
        cause=HOSTILE,
        advice=(Advice(text=HOSTILE, parameter=HOSTILE, current=math.nan, proposed=HOSTILE),),
    )
    return replace(
        collapsed,
        snapshot=replace(collapsed.snapshot, name=HOSTILE, problems=(ReadProblem(source=HOSTILE, message=HOSTILE),)),
        findings=(bare, with_changes(bare, id="y:run:0", severity=Severity.INFO, evidence=Evidence(), cause=None, advice=())),
        not_evaluated=(NotEvaluated("some-rule", HOSTILE, HOSTILE, applicable=True),),
        rule_failures=(RuleFailure(collapsed.evaluated[-1], HOSTILE, HOSTILE),),
    )


def test_every_run_answers_as_the_schema_says(collapsed: RunHealth, hostile: RunHealth) -> None:
    schema = check_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for health in (collapsed, hostile):
        jsonschema.validate(check_object(health), schema)


def test_the_empty_parts_of_a_finding_are_there(hostile: RunHealth) -> None:
    bare = check_object(hostile)["findings"][1]
    assert bare["cause"] is None
    assert bare["advice"] == []
    assert bare["evidence"] == {
        "metric": None,
        "unit": None,
        "steps": [],
        "values": [],
        "limit": None,
        "peak": None,
        "peak_step": None,
        "rows": [],
    }


def test_json_is_strict_and_keeps_what_is_no_number(hostile: RunHealth) -> None:
    text = to_json(check_object(hostile))

    def refuse(token: str) -> None:
        raise AssertionError(token)

    answer = json.loads(text, parse_constant=refuse)
    evidence = answer["findings"][0]["evidence"]
    assert evidence["values"] == [None, "nan", "-inf"]
    assert evidence["limit"] == "inf"
    text.encode("utf-8")


def test_numbers_of_a_list_share_a_line() -> None:
    value = {"a": [1, -2.5, None, "nan"], "b": ["1", "2"], "c": [], "d": ["[\n 1,\n 2\n]"]}
    text = to_json(value)
    assert '"a": [1, -2.5, null, "nan"]' in text
    assert json.loads(text) == value


def test_the_latest_metrics_have_value_unit_and_step(collapsed: RunHealth) -> None:
    metrics = latest_metrics(collapsed)
    assert set(metrics) == set(collapsed.snapshot.shown_names())
    assert metrics["kl"]["unit"] == "nat/token"
    assert metrics["kl"]["step"] == 120
    assert set(once_object(collapsed)) == {*check_object(collapsed), "metrics"}


@pytest.mark.parametrize("name", sorted(RENDERERS))
def test_a_hostile_run_steers_no_terminal(name: str, hostile: RunHealth) -> None:
    text = RENDERERS[name](hostile, Severity.WARNING)
    assert not {char for char in text if ord(char) < 32} - {"\n"}
    text.encode("utf-8")
    if name != "json":
        assert "\u202e" not in text


def test_markdown_says_a_runs_text_and_obeys_none_of_it(hostile: RunHealth) -> None:
    text = RENDERERS["markdown"](hostile, Severity.WARNING)
    assert "<script" not in text
    assert "http://" not in text
    assert "@all" not in text
    assert r"\[a\](b)" in text
    assert "\n# h" not in text


def test_junit_has_a_case_a_rule(collapsed: RunHealth, hostile: RunHealth) -> None:
    suite = parsed(as_junit(collapsed))
    assert len(list(suite.iter("testcase"))) == len(collapsed.evaluated) + len(collapsed.not_evaluated)
    assert len(list(suite.iter("failure"))) == len(
        {finding.rule for finding in collapsed.findings if finding.severity.rank > 1}
    )
    suite = parsed(as_junit(hostile))
    assert len(list(suite.iter("skipped"))) == 1
    assert len(list(suite.iter("error"))) == 1


def test_a_finding_below_the_threshold_does_not_fail_its_rule(collapsed: RunHealth) -> None:
    mild = replace(collapsed, findings=tuple(with_changes(f, severity=Severity.WARNING) for f in collapsed.findings))
    suite = parsed(as_junit(mild, Severity.HIGH))
    assert not list(suite.iter("failure"))
    assert list(suite.iter("system-out"))


def test_text_tells_the_verdict_the_findings_and_the_change(collapsed: RunHealth) -> None:
    text = RENDERERS["text"](collapsed, Severity.WARNING)
    assert text.startswith("grpo-collapsed  finished, ")
    for finding in collapsed.findings:
        assert finding.rule in text
    assert "max_completion_length: 40 → 80" in text
