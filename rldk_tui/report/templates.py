"""The templates' environment: where they lie, what they may call, and how a run's own text is kept inert.

Everything a template prints is escaped, and before that made visible and bounded (`_inert`): a control character, a
bidirectional override or a NUL is seen as a symbol, not obeyed.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from rldk_tui.charts import format as numbers
from rldk_tui.charts.frontier import Frontier, frontier_svg
from rldk_tui.charts.heat_map import HeatMap, heat_svg
from rldk_tui.charts.line_chart import LineChart
from rldk_tui.charts.severity import SEVERITY_GLYPHS
from rldk_tui.charts.svg import line_chart
from rldk_tui.charts.text import lines, one_line

_LONGEST = 20_000
"""Characters of one text that a page prints; sections cut long texts themselves, and say so."""
_LONGEST_NAME = 100
_CODE = re.compile(r"`([^`]+)`")


def templates_folder() -> Path:
    """Inside the package where it is installed, beside it in a checkout."""
    installed = Path(str(files("rldk_tui"))) / "report_templates"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "report_templates"


@cache
def environment(first: Path | None = None) -> Environment:
    """The environment: everything is escaped, and a name that is not there is an error.

    Args:
        first: A folder whose templates, style sheet and script are taken instead of ours of the same name.
    """
    folders = [templates_folder()] if first is None else [first, templates_folder()]
    made = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_inert,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        breakable=_breakable,
        bytes=numbers.size,
        chart=_chart,
        code=_code,
        count=numbers.count,
        facts=_facts,
        fragment=_fragment,
        frontier=_frontier,
        heat=_heat,
        glyph=SEVERITY_GLYPHS.__getitem__,
        moment=_moment,
        number=numbers.number,
        one_line=one_line,
        percent=numbers.percent,
        signed=numbers.signed,
        table=_table,
    )
    made.globals["style"] = Markup(_first("report.css", folders))  # noqa: S704 - ours, or of whoever asks for the report
    script = _first("charts.js", folders)
    made.globals["script"] = Markup(script)  # noqa: S704 - as the style sheet
    made.globals["script_source"] = _hash_source(script)
    return made


def _first(name: str, folders: list[Path]) -> str:
    return next(path for folder in folders if (path := folder / name).is_file()).read_text(encoding="utf-8")


def _hash_source(script: str) -> str:
    """What a Content Security Policy has to name for this script alone to run (CSP level 3, section 2.3.1)."""
    return f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}"


def _inert(value: object) -> object:
    """What is about to be printed, harmless and bounded; escaping comes after it."""
    if value is None:
        return numbers.NOTHING
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return "\n".join(lines(value, _LONGEST))


def _chart(chart: LineChart, width: int, height: int, *, readings: bool = False) -> Markup:
    return Markup(line_chart(chart, width, height, readings=readings))  # noqa: S704 - `charts.svg` escapes its texts


def _heat(shown: HeatMap, label: str, width: int, height: int) -> Markup:
    return Markup(heat_svg(shown, label, width, height))  # noqa: S704 - `heat_svg` escapes its texts


def _frontier(shown: Frontier, width: int, height: int) -> Markup:
    return Markup(frontier_svg(shown, width, height))  # noqa: S704 - numbers, and a unit of the catalogue


def _breakable(text: str) -> Markup:
    """A name that may be broken where its parts join."""
    name = str(escape(one_line(text, _LONGEST_NAME)))
    return Markup(name.replace("/", "/<wbr>").replace("_", "_<wbr>"))  # noqa: S704 - escaped the line before


def _code(text: str) -> Markup:
    """Text with `code` in backticks as a manual has it."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(one_line(text)))))  # noqa: S704 - escaped the line before


def _fragment(identity: str) -> str:
    """An id as it stands behind the # of a link."""
    return quote(one_line(identity), safe=":/")


def _moment(seconds: float | None) -> str:
    """Unix seconds as a date and a time of day in UTC."""
    if seconds is None:
        return numbers.NOTHING
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return numbers.number(seconds)


def _facts(content: object) -> list[tuple[str, object]]:
    """The plain fields of a dataclass, for a section without a template of its own."""
    return [(name, value) for name, value in _fields(content) if not isinstance(value, tuple | list | dict)]


def _table(content: object) -> list[tuple[str, list[str], list[list[object]]]]:
    """Its fields that hold records: title, column names, rows."""
    tables = []
    for name, value in _fields(content):
        if isinstance(value, tuple | list) and value:
            rows = [_fields(row) if is_dataclass(row) else [(name, row)] for row in value]
            tables.append((name, [column for column, _ in rows[0]], [[cell for _, cell in row] for row in rows]))
    return tables


def _fields(content: object) -> list[tuple[str, object]]:
    if not is_dataclass(content):
        return []
    return [(field.name.replace("_", " "), getattr(content, field.name)) for field in fields(content)]
