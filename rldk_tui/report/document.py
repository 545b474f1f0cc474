"""The whole report as data, and the two texts it becomes: the page and report.json."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
from jinja2 import TemplateError, TemplateSyntaxError

from rldk_tui import __version__
from rldk_tui.errors import UserError
from rldk_tui.events import Json, strict
from rldk_tui.report.options import PLAIN, ReportOptions
from rldk_tui.report.redaction import WITHOUT, redacted
from rldk_tui.report.sections import load_sections
from rldk_tui.report.templates import environment
from rldk_tui.session import RunHealth
from rldk_tui.summary import once_object, to_json


@dataclass(frozen=True, slots=True)
class Part:
    """A section with what it built for this run."""

    id: str
    title: str
    template: str
    content: object


@dataclass(frozen=True, slots=True)
class Document:
    """One run's report.

    Attributes:
        run: What people call the run.
        made_at: Unix seconds at which the run was read.
        version: Of this tool.
        parts: In the order of the page.
        judged: The check object and the latest value of every metric.
        options: How it was asked for.
    """

    run: str
    made_at: float
    version: str
    parts: tuple[Part, ...]
    judged: dict[str, Json]
    options: ReportOptions = PLAIN


def document_of(health: RunHealth, options: ReportOptions = PLAIN) -> Document:
    """What every section has to say of a run."""
    if not options.redact:
        return _document(health, options, frozenset())
    shared, redaction = redacted(health)
    whole = _document(shared, options, WITHOUT)
    return replace(whole, parts=redaction.of(whole.parts), judged=redaction.of(whole.judged))


def _document(health: RunHealth, options: ReportOptions, without: frozenset[str]) -> Document:
    asked = [named for named in load_sections() if options.sections is None or named.id in options.sections]
    built = ((named, named.build(health)) for named in asked if named.id not in without)
    parts = tuple(
        Part(named.id, named.section.title, named.section.template, content) for named, content in built if content is not None
    )
    return Document(health.snapshot.name, health.snapshot.taken_at, __version__, parts, once_object(health), options)


def html_of(document: Document, *, paper: bool = False) -> str:
    """The page: one file that asks for nothing from anywhere.

    Args:
        document: What to show.
        paper: To be printed: without what only a pointer or a click brings to light.

    Raises:
        UserError: if a template that is not ours cannot be used.
    """
    templates = document.options.templates
    try:
        return environment(templates).get_template("report.html.jinja").render(document=document, paper=paper)
    except TemplateError as failure:
        if templates is None:
            raise
        raise UserError(f"A template in {templates} cannot be used: {_where(failure)}.", "docs/report.md") from failure


def _where(failure: TemplateError) -> str:
    """Which template, where it is broken, and how."""
    place = f"{failure.name}, line {failure.lineno}: " if isinstance(failure, TemplateSyntaxError) else ""
    return f"{place}{failure.message}"


def json_of(document: Document) -> str:
    """The check object, every metric's latest value, and the data behind the page under `report`."""
    report = {
        "made_at": document.made_at,
        "tool_version": document.version,
        "title": document.options.title,
        "redacted": document.options.redact,
        "sections": {part.id: msgspec.to_builtins(part.content, str_keys=True) for part in document.parts},
    }
    return to_json({**document.judged, "report": strict(report)}) + "\n"
