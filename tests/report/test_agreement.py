"""Of any run, report.json is what its schema says, and the page and `rldk check --json` say what report.json says."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from io import StringIO
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings

from rldk_tui.charts.format import number
from rldk_tui.cli import main
from rldk_tui.comparison import compare
from rldk_tui.comparison.objects import comparison_object
from rldk_tui.events import encode_line
from rldk_tui.report.comparison.document import page_of
from rldk_tui.report.comparison.schema import comparison_schema
from rldk_tui.report.document import document_of, json_of
from rldk_tui.report.options import ReportOptions
from rldk_tui.report.schema import report_schema
from rldk_tui.session import RunSession
from tests.histories import History, histories
from tests.report.runs import RUNS
from tests.report.test_page import HEALTHS, Page, real

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
LONG = 8
"""Entries; no list of a fixed length is as long."""
SCHEMA = jsonschema.Draft202012Validator(report_schema())
COMPARISON = jsonschema.Draft202012Validator(comparison_schema())


def written(history: History, run: Path) -> Path:
    (run / "rldk").mkdir(parents=True)
    lines = b"".join(encode_line(event) for event, _ in history.events)
    (run / "rldk" / "events-rank00000.jsonl").write_bytes(lines)
    return run


def printed(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    with redirect_stdout(out):
        code = main(arguments)
    return code, out.getvalue()


def fits(answer: Any) -> None:
    """It is what its schema says. Of a long list one entry of each form is looked at: a list has one schema for all."""
    SCHEMA.validate(thinned(answer))


def thinned(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: thinned(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [thinned(entry) for entry in ({form(entry): entry for entry in value}.values() if len(value) > LONG else value)]
    return value


def form(value: Any) -> str:
    """The same for what a schema without bounds cannot tell apart: numbers by their type, everything else as it is."""
    if isinstance(value, list):
        return f"[{','.join(map(form, value))}]"
    return type(value).__name__ if isinstance(value, int | float) else json.dumps(value)


def finding_ids(answer: dict[str, Any]) -> list[str]:
    return [finding["id"] for finding in answer["findings"]]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(histories())
def test_any_run(history: History) -> None:
    with TemporaryDirectory() as folder:
        run = written(history, Path(folder) / "any-run")
        code, text = printed("check", str(run), "--json")
        checked = json.loads(text)
        assert code == any(finding["severity"] == "critical" for finding in checked["findings"])
        assert printed("report", str(run), "-o", f"{folder}/out")[0] == 0
        answer = json.loads((Path(folder) / "out" / "report.json").read_text(encoding="utf-8"))
        page = Page((Path(folder) / "out" / "report.html").read_text(encoding="utf-8"))
    fits(answer)
    assert {key: answer[key] for key in checked} == checked
    assert set(finding_ids(checked)) <= set(page.ids())
    for finding in checked["findings"]:
        assert " ".join(finding["summary"].split()) in page.text
    if checked["score"] is not None:
        assert f"{checked['score']:.2f}" in page.text
    for name, latest in answer["metrics"].items():
        if isinstance(latest["value"], float) and latest["unit"] != "B":
            assert number(latest["value"]) in page.text, name


@pytest.mark.parametrize("redact", [False, True])
@pytest.mark.parametrize("run", HEALTHS)
def test_known_runs_fit_the_schema(run: str, redact: bool) -> None:
    health = RUNS[run]() if run in RUNS else real(run)
    fits(json.loads(json_of(document_of(health, ReportOptions(redact=redact)))))


def test_every_text_of_the_schema_names_a_type() -> None:
    jsonschema.Draft202012Validator.check_schema(report_schema())
    jsonschema.Draft202012Validator.check_schema(comparison_schema())
    sections = report_schema()["properties"]["report"]["properties"]["sections"]["properties"]
    assert {"verdict", "findings", "learning", "cost", "configuration"} <= set(sections)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(histories(), histories())
def test_any_two_runs_can_be_compared(first: History, second: History) -> None:
    with TemporaryDirectory() as folder:
        runs = [RunSession(written(one, Path(folder) / name)).poll() for name, one in (("a", first), ("b", second))]
        runs = [run for run in runs if run.snapshot.metric_names()]
        if len(runs) < 2:
            return
        comparison = compare(runs)
        answer = json.loads(json.dumps(comparison_object(comparison), allow_nan=False))
        COMPARISON.validate(answer)
        page = page_of(comparison)
    drawn = {chart.name for chart in page.charts}
    clear = chain.from_iterable(pair["metrics"] for pair in answer["comparisons"])
    assert len({one["metric"] for one in clear if one["outcome"] in ("better", "worse", "different")} - drawn) == page.more
