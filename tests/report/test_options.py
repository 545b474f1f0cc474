"""A report as somebody wants it: sections, title, logo, templates, redacted, with a third party's section."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import pytest
from msgspec.structs import replace as with_changes

from rldk_tui.cli import main
from rldk_tui.errors import UserError
from rldk_tui.events import Severity
from rldk_tui.report import document as documents
from rldk_tui.report.build import build_report
from rldk_tui.report.document import document_of, html_of, json_of
from rldk_tui.report.options import ReportOptions, logo_in, wanted_sections
from rldk_tui.report.redaction import redacted
from rldk_tui.report.sections import NamedSection, Section, load_sections, named_section
from rldk_tui.session import RunHealth, RunSession
from tests.conftest import SAMPLE_RUNS
from tests.report.runs import HOSTILE, STEPS, completions, episode, health_of, logged, snapshot_of, started, troubled
from tests.report.test_page import Page

PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(30)


def secretive() -> RunHealth:
    """A run whose texts tell of its place and of its generations."""
    config = {
        "output_dir": "/home/maria/runs/x",
        "hub_token": "hf_verysecret",
        "resume_from_checkpoint": "~/old/run",
        "beta": 0.1,
        "note": "trained on node-7.cluster.local",
    }
    start = with_changes(started(config=config, model="/data/private/model"), host="node-7.cluster.local")
    rows = [logged(step, reward=0.1 * step, kl=0.1) for step in range(1, STEPS + 1)]
    said = completions(STEPS, ("the secret prompt", "the secret answer", 0.5), ("another secret", "more secrets", 0.1))
    told = with_changes(
        episode("truncation", "kl", Severity.HIGH, 3, 8),
        summary="Replies that hold “secret answer” score 2 more.",
        cause="See /scratch/maria/log.txt: nat/token.",
    )
    return health_of(snapshot_of("shared-run", start, *rows, said), findings=(told,))


def test_sections_alone() -> None:
    parts = document_of(troubled(), ReportOptions(sections=("findings", "verdict"))).parts
    assert [part.id for part in parts] == ["verdict", "findings"]
    for alone in ("verdict", "configuration"):
        page = Page(html_of(document_of(troubled(), ReportOptions(sections=(alone,)))))
        links = {attributes["href"] for tag, attributes in page.elements if tag == "a"}
        assert links == {"#main", f"#{alone}"}
    with pytest.raises(UserError, match="no section colours"):
        wanted_sections(["verdict", "colours"])


def test_a_title_is_text() -> None:
    text = html_of(document_of(troubled(), ReportOptions(title=HOSTILE)))
    page = Page(text)
    assert not {tag for tag, _ in page.elements} & {"script", "img"}
    assert "troubled-run" in page.text
    assert "&lt;script&gt;" in text


def test_a_logo_is_inside_the_page(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(PIXEL)
    (tmp_path / "logo.svg").write_text("<svg onload='alert(1)'/>")
    text = html_of(document_of(troubled(), ReportOptions(logo=logo_in(tmp_path / "logo.png"))))
    assert next(attributes["src"] for tag, attributes in Page(text).elements if tag == "img") == logo_in(tmp_path / "logo.png")
    for name in ("logo.svg", "missing.png"):
        with pytest.raises(UserError, match=r"logo"):
            logo_in(tmp_path / name)


class TestTemplates:
    def test_one_block_is_replaced_and_the_rest_stays(self, tmp_path: Path) -> None:
        (tmp_path / "sections").mkdir()
        (tmp_path / "sections" / "provenance.html.jinja").write_text("<h2 id='{{ id }}-title'>Mine</h2>{{ it.run[0].value }}")
        (tmp_path / "report.css").write_text("body { color: rebeccapurple }")
        text = html_of(document_of(troubled(), ReportOptions(templates=tmp_path)))
        assert "Mine</h2>troubled-run" in text
        assert "rebeccapurple" in text
        assert "What to do first" in text
        assert "Mine" not in html_of(document_of(troubled()))

    def test_another_script_is_the_only_one_allowed(self, tmp_path: Path) -> None:
        script = "document.title = 'mine';"
        (tmp_path / "charts.js").write_text(script)
        text = html_of(document_of(troubled(), ReportOptions(templates=tmp_path)))
        assert f"<script>{script}</script>" in text
        assert f"script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" in text

    @pytest.mark.parametrize("broken", ["{{ it.", "{{ it.nothing_of_the_kind }}", "{% include 'none' %}"])
    def test_a_broken_one_is_named(self, broken: str, tmp_path: Path) -> None:
        (tmp_path / "report.html.jinja").write_text(broken)
        with pytest.raises(UserError, match="cannot be used"):
            build_report(troubled(), tmp_path / "out", pdf=False, options=ReportOptions(templates=tmp_path))
        assert not (tmp_path / "out").exists()


class TestRedaction:
    def test_generations_and_the_place_are_in_neither_file(self) -> None:
        document = document_of(secretive(), ReportOptions(redact=True))
        page, answer = html_of(document), json_of(document)
        for text in (page, answer):
            for secret in ("secret", "node-7", "maria", "hf_", "/data/private", "~/old"):
                assert secret not in text, secret
            assert "shared-run" in text
            assert "nat/token" in text
        assert json.loads(answer)["report"]["redacted"] is True
        assert "are left out" in page
        everything = html_of(document_of(secretive()))
        assert "the secret answer" in everything
        assert "node-7" in everything

    def test_numbers_and_findings_stay(self) -> None:
        plain, shared = (json.loads(json_of(document_of(troubled(), ReportOptions(redact=redact)))) for redact in (False, True))
        assert shared["metrics"] == plain["metrics"]
        assert [(one["id"], one["severity"]) for one in shared["findings"]] == [
            (one["id"], one["severity"]) for one in plain["findings"]
        ]
        assert shared["score"] == plain["score"]
        assert "generations" not in shared["report"]["sections"]

    def test_no_completion_of_a_real_run_is_left(self) -> None:
        health = RunSession(SAMPLE_RUNS / "grpo-collapsed", clock=lambda: 2e9).poll()
        document = document_of(health, ReportOptions(redact=True))
        texts = {row.completion for log in health.snapshot.completions for row in log.rows if len(row.completion) > 20}
        assert texts
        whole = html_of(document) + json_of(document)
        assert not [text for text in texts if text[:40] in whole]

    def test_a_host_in_a_file_name_is_left_out(self) -> None:
        _, redaction = redacted(troubled())
        assert redaction.of("logs/events.out.tfevents.1690.gpu-3.77.0") == "logs/events.out.tfevents.1690.(left out)"
        assert redaction.of("rewards/<function>/mean in nat/token, 3/4 of C:\\Users\\x") == (
            "rewards/<function>/mean in nat/token, 3/4 of (left out)"
        )
        assert redaction.of({"host": ["node-7", 3, None]}) == {"host": ["(left out)", 3, None]}


@dataclass(frozen=True, slots=True)
class Energy:
    kilowatt_hours: float
    rows: tuple[str, ...] = (HOSTILE,)


def foreign(name: str, section: Section) -> NamedSection:
    module = ModuleType(name)
    module.__dict__["SECTION"] = section
    return named_section(name, module, foreign=True)


def broken(_: RunHealth) -> object:
    raise ZeroDivisionError("by zero")


def test_a_third_partys_section_is_shown_and_a_broken_one_named(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = foreign("energy_used", Section(title="Energy", order=43, build=lambda _: Energy(1.5)))
    bad = foreign("bad", Section(title="Bad", order=44, build=broken))
    monkeypatch.setattr(documents, "load_sections", lambda: (*load_sections(), mine, bad))
    with pytest.warns(UserWarning, match="section bad is left out: ZeroDivisionError"):
        document = document_of(troubled())
    page = Page(html_of(document))
    assert "energy-used" in page.ids()
    assert "1.5" in page.text
    assert not {tag for tag, _ in page.elements} & {"script", "img"}
    assert json.loads(json_of(document))["report"]["sections"]["energy-used"]["kilowatt_hours"] == 1.5


def test_as_it_is_called(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(SAMPLE_RUNS / "grpo-healthy")
    options = ["--sections", "verdict, learning", "--title", "Ours", "--redact"]
    assert main(["report", run, "-o", str(tmp_path), *options]) == 0
    answer = json.loads((tmp_path / "report.json").read_text())
    assert list(answer["report"]["sections"]) == ["verdict", "learning"]
    assert answer["report"]["title"] == "Ours"
    assert main(["report", run, "-o", str(tmp_path), "--sections", "x"]) == 2
    assert "The sections are verdict, findings" in capsys.readouterr().err
    assert main(["report", run, "-o", str(tmp_path), "--templates", str(tmp_path / "none")]) == 2


def test_empty_runs_are_redacted_too() -> None:
    health = health_of(snapshot_of("run"), evaluated=())
    assert html_of(document_of(health, ReportOptions(redact=True)))
