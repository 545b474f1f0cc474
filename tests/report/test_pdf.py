"""The printed report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from rldk_tui.errors import UserError
from rldk_tui.report.build import build_report
from rldk_tui.report.pdf import print_page
from tests.report.runs import hostile, troubled


def has_pango() -> bool:
    try:
        import weasyprint  # noqa: F401
    except OSError:
        return False
    return True


needs_pango = pytest.mark.skipif(not has_pango(), reason="Pango is not installed")


def titles(outline: list[Any]) -> list[str]:
    return [title for entry in outline for title in (titles(entry) if isinstance(entry, list) else [str(entry.title)])]


class Told:
    """Writes down what the work is said to have come to."""

    def __init__(self) -> None:
        self.stages = list[str]()

    def begin(self, what: str) -> None:
        self.stages.append(what)

    def far(self, done: int, whole: int) -> None: ...


TOLD = Told()


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> PdfReader:
    written = build_report(troubled(), tmp_path_factory.mktemp("printed"), pdf=True, stages=TOLD)
    assert written.pdf is not None
    return PdfReader(written.pdf)


@needs_pango
def test_it_is_said_what_is_done(printed: PdfReader) -> None:
    assert TOLD.stages[:2] == ["Drawing the report", "Printing the PDF"]
    pages = [stage for stage in dict.fromkeys(TOLD.stages) if stage.startswith("Printing page")]
    assert pages == [f"Printing page {number}" for number in range(1, len(printed.pages) + 1)]


@needs_pango
def test_it_has_pages_with_numbers_name_and_date(printed: PdfReader) -> None:
    assert 3 <= len(printed.pages) <= 9
    for index, page in enumerate(printed.pages, 1):
        text = " ".join(page.extract_text().split())
        assert f"{index} / {len(printed.pages)}" in text
        assert "troubled-run" in text
        assert "2026-" in text


@needs_pango
def test_it_has_bookmarks_for_sections_and_findings(printed: PdfReader) -> None:
    found = titles(printed.outline)
    for title in ("Findings", "Learning", "Stability", "Generations", "Provenance", "Replies are cut off before they end"):
        assert title in found
    assert "Settings" not in found


@needs_pango
def test_it_says_the_verdict_and_the_findings(printed: PdfReader) -> None:
    text = " ".join(" ".join(page.extract_text() for page in printed.pages).split())
    for words in ("Broken", "What to do first", "max_completion_length", "river river", "last step was 40 of 40"):
        assert words in text
    assert printed.metadata is not None
    assert "troubled-run" in (printed.metadata.title or "")


@needs_pango
def test_no_url_of_a_run_is_fetched(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    secret = tmp_path / "secret.css"
    secret.write_text("p::after { content: 'SECRET' }")
    page = f'<link rel="stylesheet" href="file://{secret}"><img src="http://127.0.0.1:9/x.png"><p>text</p>'
    print_page(page, tmp_path / "page.pdf")
    assert PdfReader(tmp_path / "page.pdf").pages[0].extract_text().split() == ["text"]
    written = build_report(hostile(), tmp_path, pdf=True)
    assert written.pdf is not None
    assert len(PdfReader(written.pdf).pages) < 12


def test_without_pango_it_says_what_to_install_and_the_rest_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "site" / "weasyprint"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise OSError('cannot load library libgobject-2.0-0')")
    for name in [name for name in sys.modules if name.split(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path / "site")
    with pytest.raises(UserError, match="needs Pango") as failure:
        build_report(troubled(), tmp_path / "out", pdf=True)
    assert failure.value.hint == "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.html", "report.json"]
