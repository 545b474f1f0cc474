"""The report's section on checkpoints, and the analysis that is made for it."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from rldk_tui.checkpoints.record import LOG, record_checkpoints
from rldk_tui.cli import main
from rldk_tui.events import Checkpoint, Event, Measured, Severity
from rldk_tui.report import recording
from rldk_tui.report.document import document_of, html_of, json_of
from rldk_tui.report.recording import with_checkpoints
from rldk_tui.report.sections import checkpoints
from rldk_tui.session import RunHealth, RunSession
from tests.checkpoints.made import trained, weights
from tests.checkpoints.test_record import a_run
from tests.conftest import SAMPLE_RUNS
from tests.report.runs import HOSTILE, NOON, health_of, healthy, ordinary_log, snapshot_of, started
from tests.report.test_page import Page

UP = "model.layers.3.mlp.up_proj.weight"


def saved(step: int) -> Checkpoint:
    return Checkpoint(time=math.nan, step=step, path=f"checkpoint-{step}", complete=True, size=2_000_000)


def analysed(step: int, health: float, *issues: str, **values: float) -> Measured:
    judged = {"checkpoint/health": health, "checkpoint/issues": float(len(issues)), "checkpoint/usable": float(health > 0)}
    columns = {f"checkpoint/{name}": value for name, value in values.items()}
    named = {"checkpoint/issues": issues} if issues else {}
    return Measured(time=NOON + step, step=step, values={**judged, **columns}, named=named)


def run_with(*events: Event) -> RunHealth:
    return health_of(snapshot_of("saved-run", started(), *ordinary_log(), *events))


def troubled() -> RunHealth:
    return run_with(
        *(saved(step) for step in (10, 20, 30, 40)),
        analysed(10, 1.0),
        analysed(
            20,
            0.74,
            "high ckpt-weight-jump: one moved",
            "info ckpt-incomplete: no optimizer",
            drift_first=0.02,
            drift_previous=0.02,
        ),
        analysed(30, 0.0, "critical ckpt-nonfinite: 1 tensor", drift_first=0.05, drift_previous=0.03),
    )


class TestSection:
    def test_a_run_without_checkpoints_has_no_section(self) -> None:
        assert checkpoints.build(healthy()) is None
        assert "checkpoints" not in {part.id for part in document_of(healthy()).parts}

    def test_rows_issues_and_the_one_to_keep(self) -> None:
        built = checkpoints.build(troubled())
        assert built is not None
        assert [(row.step, row.health, row.worst, row.rules, row.keep) for row in built.rows] == [
            (10, 1.0, None, (), False),
            (20, 0.74, Severity.HIGH, ("ckpt-weight-jump",), True),
            (30, 0.0, Severity.CRITICAL, ("ckpt-nonfinite",), False),
            (40, None, None, (), False),
        ]
        assert [(issue.step, issue.rule) for issue in built.issues] == [(30, "ckpt-nonfinite"), (20, "ckpt-weight-jump")]
        assert (built.keep, built.analysed, built.waiting, built.deleted) == (20, 3, 1, 0)
        assert built.reasons

    def test_curves_are_of_what_was_measured(self) -> None:
        built = checkpoints.build(troubled())
        assert built is not None
        drift, before, health = built.curves
        assert (drift.chart.steps, drift.chart.values, drift.unit) == ((20, 30), (2.0, 5.0), "%")
        assert before.latest == 3.0
        assert health.chart.values == (1.0, 0.74, 0.0)
        assert (drift.chart.first, drift.chart.last) == (1, 40)

    def test_a_thousand_checkpoints_are_cut_and_counted(self) -> None:
        built = checkpoints.build(run_with(*(saved(step) for step in range(1000))))
        assert built is not None
        assert (len(built.rows), built.more, built.waiting) == (100, 900, 1000)
        assert built.rows[-1].step == 999


class TestPage:
    def test_says_which_to_keep_and_what_is_wrong(self) -> None:
        text = Page(html_of(document_of(troubled()))).text
        for part in ("Keep step 20", "1 of 4 is not analysed", "ckpt-nonfinite", "Drift from the first checkpoint", "1.91 MiB"):
            assert part in text

    def test_without_one_that_can_be_used_it_says_none(self) -> None:
        health = run_with(saved(10), analysed(10, 0.0, "critical ckpt-nonfinite: 1 tensor"))
        assert "Keep none" in Page(html_of(document_of(health))).text

    def test_json_holds_the_same_numbers(self) -> None:
        section = json.loads(json_of(document_of(troubled())))["report"]["sections"]["checkpoints"]
        assert section["keep"] == 20
        assert [row["since_first"] for row in section["rows"]] == [None, 0.02, 0.05, None]

    @pytest.mark.parametrize(
        "text", [HOSTILE, f"high ckpt-weight-jump: {HOSTILE} {'n' * 10_000}", "\u202e[bold]x[/bold]\x1b[2J"]
    )
    def test_hostile_names_stay_text(self, text: str) -> None:
        page = html_of(document_of(run_with(saved(10), analysed(10, 0.5, f"high ckpt-weight-jump: {text}"))))
        parsed = Page(page)
        assert not [tag for tag, _ in parsed.elements if tag in {"script", "img"}]
        assert not {"\x1b", "\u202e", "\x00"} & set(page)
        assert "n" * 1000 not in page


class TestRecording:
    def run(self, folder: Path) -> Path:
        broken = trained(weights())
        broken[UP][0, 0] = np.nan
        return a_run(folder, weights(), broken)

    def test_the_report_analyses_what_is_not_analysed_yet(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        run = self.run(tmp_path / "run")
        assert main(["report", str(run)]) == 0
        said = json.loads((run / "rldk" / "report" / "report.json").read_text())
        assert said["report"]["sections"]["checkpoints"]["keep"] == 10
        assert "ckpt-nonfinite" in {finding["rule"] for finding in said["findings"]}
        assert (run / "rldk" / LOG).exists()
        assert not capsys.readouterr().err

    def test_nothing_is_written_into_a_run_when_the_report_goes_elsewhere(self, tmp_path: Path) -> None:
        run = self.run(tmp_path / "run")
        before = sorted(run.rglob("*"))
        assert main(["report", str(run), "-o", str(tmp_path / "out")]) == 0
        said = json.loads((tmp_path / "out" / "report.json").read_text())
        assert [row["health"] for row in said["report"]["sections"]["checkpoints"]["rows"]] == [1.0, 0.0]
        assert sorted(run.rglob("*")) == before

    def test_a_read_only_run_is_analysed_elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        run = self.run(tmp_path / "run")
        record_checkpoints(run, [run / "checkpoint-10"])
        before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
        monkeypatch.setattr(recording, "_writable", lambda _: False)
        analysed_run = with_checkpoints(RunSession.open(run))
        rows = analysed_run.health.checkpoints().rows
        assert [row.health for row in rows] == [1.0, 0.0]
        assert rows[1].steps_since == 10, "what is kept of the earlier one is known there too"
        assert {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()} == before

    def test_what_is_too_large_is_left_and_said(self, tmp_path: Path) -> None:
        analysed_run = with_checkpoints(RunSession.open(self.run(tmp_path / "run")), largest=1000)
        assert analysed_run.remark is not None
        assert "2 checkpoints" in analysed_run.remark
        assert "rldk checkpoints --record" in analysed_run.remark
        assert not any(row.analysed for row in analysed_run.health.checkpoints().rows)

    def test_what_takes_too_long_is_ended_and_said(self, tmp_path: Path) -> None:
        analysed_run = with_checkpoints(RunSession.open(self.run(tmp_path / "run")), longest=0.01)
        assert analysed_run.remark is not None
        assert "takes longer than" in analysed_run.remark

    def test_a_failed_analysis_is_said_and_the_report_is_made(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        run = self.run(tmp_path / "run")
        (run / "rldk" / LOG).mkdir()
        assert main(["report", str(run)]) == 0
        assert "2 checkpoints" in capsys.readouterr().err
        assert (run / "rldk" / "report" / "report.html").exists()

    def test_it_can_be_told_not_to(self, tmp_path: Path) -> None:
        run = self.run(tmp_path / "run")
        assert main(["report", str(run), "--no-checkpoints"]) == 0
        assert not (run / "rldk" / LOG).exists()

    def test_folders_without_weights_are_no_question(self, tmp_path: Path) -> None:
        run = tmp_path / "copy"
        shutil.copytree(SAMPLE_RUNS / "grpo-healthy", run)
        assert with_checkpoints(RunSession.open(run)).remark is None
        assert not (run / "rldk" / LOG).exists()
