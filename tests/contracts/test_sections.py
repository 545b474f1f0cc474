"""Every section keeps the contract: a dataclass of any run, shown by its template, and nothing of HTML in it."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser
from types import ModuleType

import msgspec
import pytest

from rldk_tui.errors import RldkError
from rldk_tui.events import strict
from rldk_tui.report.document import Document, Part, html_of
from rldk_tui.report.sections import NamedSection, Section, load_sections, named_section
from rldk_tui.report.templates import templates_folder
from tests.report.runs import RUNS, healthy

SECTIONS = load_sections()


def page_of(*parts: Part) -> str:
    return html_of(Document("run", 0.0, "1", parts, {}))


def ids(section: NamedSection) -> str:
    return section.id


def test_no_two_sections_share_a_place() -> None:
    orders = [named.section.order for named in SECTIONS]
    assert len(set(orders)) == len(orders)
    assert [named.id for named in SECTIONS][:2] == ["verdict", "findings"]


@pytest.mark.parametrize("named", SECTIONS, ids=ids)
def test_its_template_is_there(named: NamedSection) -> None:
    assert (templates_folder() / "sections" / f"{named.section.template}.html.jinja").is_file()


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("named", SECTIONS, ids=ids)
def test_it_shows_any_run(named: NamedSection, run: str) -> None:
    content = named.section.build(RUNS[run]())
    if content is None:
        return
    assert dataclasses.is_dataclass(content)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(content, dataclasses.fields(content)[0].name, None)
    strict(msgspec.to_builtins(content, str_keys=True))
    page = page_of(Part(named.id, named.section.title, named.section.template, content))
    assert f'id="{named.id}-title"' in page
    balanced(page)


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("named", SECTIONS, ids=ids)
def test_the_default_template_could_show_it_too(named: NamedSection, run: str) -> None:
    content = named.section.build(RUNS[run]())
    if content is not None:
        balanced(page_of(Part(named.id, named.section.title, "_default", content)))


def test_a_module_without_a_section_is_named() -> None:
    with pytest.raises(RldkError, match="no_section: a section module needs"):
        named_section("no_section", ModuleType("no_section"))


def test_a_section_needs_no_template_of_its_own() -> None:
    @dataclasses.dataclass(frozen=True)
    class Row:
        name: str
        value: float

    @dataclasses.dataclass(frozen=True)
    class Content:
        mood: str
        rows: tuple[Row, ...]

    section = Section(title="Mine", order=1000, build=lambda _: Content("good", (Row("a", 1.5), Row("<b>", 2.5))))
    page = page_of(Part("mine", section.title, section.template, section.build(healthy())))
    assert "good" in page
    assert "2.5" in page
    assert "&lt;b&gt;" in page


class _Balance(HTMLParser):
    """Counts open elements; the page writes no implied end tags."""

    VOID = frozenset({"meta", "br", "wbr", "img", "link", "hr", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - HTMLParser's signature
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()


def balanced(page: str) -> None:
    parser = _Balance()
    parser.feed(page)
    assert parser.open == []
