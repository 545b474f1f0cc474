"""The page as a browser gets it: whole in itself, inert, in agreement with report.json and the check."""

from __future__ import annotations

import dataclasses
import json
import random
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension

from rldk_tui.charts.format import number
from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.rule import MANUAL_HEADINGS, NamedRule
from rldk_tui.errors import UserError
from rldk_tui.report.build import build_report, report_folder
from rldk_tui.report.cards import GIB
from rldk_tui.report.document import document_of, html_of, json_of
from rldk_tui.report.templates import templates_folder
from rldk_tui.session import RunHealth, RunSession
from rldk_tui.summary import check_object, check_schema
from tests.conftest import SAMPLE_RUNS
from tests.report.runs import FAMILIES, RUNS, health_of, logged, snapshot_of, started, troubled

SCRIPT = (templates_folder() / "charts.js").read_text(encoding="utf-8")


class HtmlExtension(SingleFileSnapshotExtension):
    """One `.html` a test, to be opened and looked at."""

    file_extension = "html"


class Page(HTMLParser):
    """What a browser would make of the page without its own script: elements with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text.replace(f"<script>{SCRIPT}</script>", "", 1))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def ids(self) -> list[str]:
        return [attributes["id"] or "" for _, attributes in self.elements if "id" in attributes]


def page_of(health: RunHealth) -> Page:
    return Page(html_of(document_of(health)))


@pytest.fixture
def fixed_manuals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules' manuals as they are here, so that the kept page changes only when the page does."""
    manual = "Something is {id}.\n\n" + "\n\n".join(f"{heading}\n    Words with `code`." for heading in MANUAL_HEADINGS)
    rules = {rule.id: rule for rule in load_rules()}
    shown = tuple(NamedRule(rule, rules["truncation"].rule, manual.format(id=rule)) for rule in (*FAMILIES, "kl-negative"))
    monkeypatch.setattr("rldk_tui.report.manual.load_rules", lambda: shown)


@pytest.mark.usefixtures("fixed_manuals")
def test_the_page_is_as_it_was_looked_at(snapshot: SnapshotAssertion) -> None:
    document = dataclasses.replace(document_of(troubled()), version="0.0.0")
    page = re.sub(r"<(style|script)>.*?</\1>", r"<\1></\1>", html_of(document), flags=re.S)
    page = re.sub(r"'sha256-[^']+'", "'sha256-'", page)
    assert page.encode() == snapshot(extension_class=HtmlExtension)


@pytest.mark.parametrize("run", RUNS)
def test_it_asks_for_nothing_and_runs_nothing(run: str) -> None:
    page = page_of(RUNS[run]())
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "img", "link", "iframe", "object", "embed", "base", "form", "image", "use", "foreignobject"}
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("href", "src", "xlink:href", "action"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
    style = (Path(__file__).parents[2] / "report_templates" / "report.css").read_text()
    assert "url(" not in style
    assert "@import" not in style


def test_it_forbids_everything_but_its_own_style_and_script() -> None:
    document = document_of(troubled())
    rest = "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    ours = b64encode(sha256(SCRIPT.encode()).digest()).decode()
    for paper, script in ((False, f"script-src 'sha256-{ours}'; "), (True, "")):
        page = Page(html_of(document, paper=paper))
        policies = [attributes["content"] for _, attributes in page.elements if "http-equiv" in attributes]
        assert policies == [f"default-src 'none'; {script}{rest}"]


def test_hostile_text_is_seen_and_not_obeyed() -> None:
    text = html_of(document_of(RUNS["hostile"]()))
    assert not set(text) & {"\x00", "\x1b", "\u202e", "\ud800"}
    assert "{{ 7*7 }}" in text
    assert "49" not in re.findall(r">([^<]*7\*7[^<]*)<", text)[0]
    assert "&lt;script&gt;" in text
    assert "⟨U+202E⟩" in text
    assert "日本語 😀" in text
    assert len(text) < 200_000


@pytest.mark.parametrize("run", RUNS)
def test_every_link_leads_somewhere(run: str) -> None:
    from urllib.parse import unquote

    page = page_of(RUNS[run]())
    ids = page.ids()
    assert len(ids) == len(set(ids))
    links = {unquote(attributes["href"] or "")[1:] for tag, attributes in page.elements if tag == "a"}
    assert links <= set(ids)


@cache
def real(name: str) -> RunHealth:
    return RunSession(SAMPLE_RUNS / name, clock=lambda: 1_800_000_000.0).poll()


HEALTHS = [*RUNS, "grpo-healthy", "grpo-collapsed", "ppo-negative-kl", "grpo-stock"]


@pytest.mark.parametrize("run", HEALTHS)
def test_page_report_json_and_check_agree(run: str) -> None:
    health = RUNS[run]() if run in RUNS else real(run)
    document = document_of(health)
    answer: dict[str, Any] = json.loads(json_of(document))
    check = json.loads(json.dumps(check_object(health)).encode("utf-8", "replace"))
    jsonschema.validate(answer, check_schema())
    assert {key: answer[key] for key in check} == check or run == "hostile"
    page = Page(html_of(document))
    findings = answer["report"]["sections"]["findings"]
    told = [story for first in findings["told"] for story in (first, *first["again"])]
    by_id = {finding["id"]: finding for finding in answer["findings"]}
    assert {story["id"] for story in (*told, *findings["listed"])} == set(by_id)
    for story in told:
        assert story["summary"] == by_id[story["id"]]["summary"]
        assert story["limit"] == by_id[story["id"]]["evidence"]["limit"]
    if run != "hostile":  # there the ids are shown with symbols for what may not be printed
        assert set(by_id) <= set(page.ids())
        for finding in answer["findings"]:
            assert " ".join(finding["summary"].split()) in page.text
    if answer["score"] is not None:
        assert f"{answer['score']:.2f}" in page.text
    for name, latest in answer["metrics"].items():
        if isinstance(latest["value"], float) and run != "hostile":
            shown = latest["value"] / GIB if latest["unit"] == "B" else latest["value"]
            assert number(shown) in page.text, name


def test_files_are_put_in_place_whole(tmp_path: Path) -> None:
    written = build_report(troubled(), tmp_path / "new" / "folder", pdf=False)
    assert [path.name for path in written.all()] == ["report.html", "report.json"]
    assert sorted(path.name for path in written.html.parent.iterdir()) == ["report.html", "report.json"]


def test_the_default_place_is_in_the_run_and_no_log(tmp_path: Path) -> None:
    import shutil

    run = tmp_path / "run"
    shutil.copytree(SAMPLE_RUNS / "grpo-healthy", run)
    before = check_object(RunSession.open(run).poll())
    written = build_report(RunSession.open(run).poll(), pdf=False)
    assert written.html.parent == report_folder(run) == run / "rldk" / "report"
    assert check_object(RunSession.open(run).poll()) == before


def test_a_place_that_cannot_be_written_to_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written") as failure:
        build_report(troubled(), tmp_path / "file" / "folder", pdf=False)
    assert failure.value.hint == "Name another place with -o DIR."
    assert failure.value.exit_code == 2


def test_a_disk_that_fills_up_leaves_no_half_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, text: str, encoding: str) -> int:
        path.write_bytes(text.encode(encoding)[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UserError, match="No space left"):
        build_report(troubled(), tmp_path, pdf=False)
    assert list(tmp_path.iterdir()) == []


# WCAG 2.2, success criterion 1.4.3: text stands out from what it stands on by 4.5 to 1.
PAIRS = [
    *((text, ground) for text in ("ink", "soft", "link") for ground in ("page", "card", "sunk")),
    *((severity, f"{severity}-bg") for severity in ("critical", "high", "warning", "info")),
    *((text, ground) for text in ("critical", "high", "warning", "good", "info") for ground in ("page", "card")),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read_in_both_schemes(scheme: str, text: str, ground: str) -> None:
    style = (Path(__file__).parents[2] / "report_templates" / "report.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", style, flags=re.S)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[scheme == "dark"]))
    lighter, darker = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_severity_is_told_by_word_and_glyph() -> None:
    text = page_of(troubled()).text
    for badge in ("✖✖ critical", "✖ high", "! warning"):
        assert badge in text


def test_a_wide_and_long_run_is_a_small_page() -> None:
    noise = random.Random(1)
    names = [f"rewards/f{index}/mean" for index in range(100)] + [f"mine/{index}" for index in range(200)]
    rows = [logged(step, **{name: noise.gauss(0, 1) for name in names}) for step in range(1, 1001)]
    assert len(html_of(document_of(health_of(snapshot_of("wide", started(), *rows))))) < 3_000_000
