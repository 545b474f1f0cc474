"""Every run at hand becomes a report: small, whole, nothing cut or alone on paper. All of it with `make test-reports`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pypdf import PdfReader

from rldk_tui.report.build import build_report
from rldk_tui.report.document import document_of, html_of
from rldk_tui.session import RunHealth, RunSession
from tests.conftest import SAMPLE_RUNS
from tests.report.runs import RUNS
from tests.report.test_page import Page
from tests.report.test_pdf import needs_pango, titles

EVERY = "RLDK_EVERY_RUN" in os.environ
SAMPLES = sorted({path.parents[1] for path in SAMPLE_RUNS.glob("*/*/*") if path.suffix in (".jsonl", ".json", ".parquet")})
BENCHMARK = sorted((SAMPLE_RUNS.parents[1] / "shared" / "benchmark" / "runs").glob("run-*")) if EVERY else []
PRINTED = [*SAMPLES, *BENCHMARK] if EVERY else [SAMPLE_RUNS / "ppo-negative-kl"]


def health_of_run(run: Path) -> RunHealth:
    return RunSession(run, clock=lambda: 1_800_000_000.0).poll()


@pytest.mark.parametrize("run", [*SAMPLES, *BENCHMARK], ids=lambda run: run.name)
def test_every_run_becomes_a_small_whole_page(run: Path, tmp_path: Path) -> None:
    health = health_of_run(run)
    written = build_report(health, tmp_path, pdf=False)
    text = written.html.read_text(encoding="utf-8")
    assert len(text) < 3_000_000
    page = Page(text)
    ids = page.ids()
    assert len(ids) == len(set(ids))
    answer = json.loads(written.json.read_text(encoding="utf-8"))
    assert {finding["id"] for finding in answer["findings"]} <= set(ids)
    assert {f"{part}-title" for part in answer["report"]["sections"]} <= set(ids)


@needs_pango
@pytest.mark.parametrize("run", PRINTED, ids=lambda run: run.name)
def test_nothing_of_it_is_cut_or_alone_on_paper(run: Path, tmp_path: Path) -> None:
    from tests.report.paper import complaints

    health = health_of_run(run)
    assert list(complaints(html_of(document_of(health), paper=True))) == []
    if not EVERY:
        return
    written = build_report(health, tmp_path, pdf=True)
    assert written.pdf is not None
    printed = PdfReader(written.pdf)
    assert health.snapshot.name in (printed.metadata.title if printed.metadata and printed.metadata.title else "")
    bookmarks = titles(printed.outline)
    assert {part.title for part in document_of(health).parts} - {"Verdict"} <= set(bookmarks)
    for number, page in enumerate(printed.pages, 1):
        assert f"{number} / {len(printed.pages)}" in " ".join(page.extract_text().split())


@needs_pango
@pytest.mark.parametrize("run", RUNS if EVERY else ["troubled"])
def test_made_runs_are_whole_on_paper_too(run: str) -> None:
    from tests.report.paper import complaints

    assert list(complaints(html_of(document_of(RUNS[run]()), paper=True))) == []


@needs_pango
def test_what_is_cut_split_or_alone_is_seen() -> None:
    from tests.report.paper import complaints

    sheet = (
        "<style>@page { size: 300px 300px; margin: 20px } h2 { break-after: auto; margin: 0 } p, h2 { height: 100px }</style>"
    )
    svg = '<svg width="{}" height="50" viewBox="0 0 9 9"><path d="M0 0L9 9"/></svg>'
    assert list(complaints(f"{sheet}<p>a</p><p>b</p>")) == []
    assert any("ends page 1" in one for one in complaints(f"{sheet}<p>a</p><h2>Alone</h2><p>b</p>"))
    assert any("split" in one for one in complaints(f"{sheet}<p>a</p><figure><p>b</p><p>c</p></figure>"))
    assert any("right" in one for one in complaints(f"{sheet}{svg.format(400)}"))
    assert any("nearly empty" in one for one in complaints(f"{sheet}<b>a</b><p style='break-before: page'>b</p>"))
