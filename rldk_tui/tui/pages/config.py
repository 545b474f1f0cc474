"""How the run was set up: what was found fault with, what is set otherwise than by default, who it is, and everything else."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rich.cells import cell_len

from rldk_tui.analysis.config_defaults import defaults_version, set_otherwise
from rldk_tui.charts.format import count, size
from rldk_tui.charts.severity import SEVERITY_GLYPHS
from rldk_tui.charts.text import one_line
from rldk_tui.events import Advice, Finding, Json
from rldk_tui.summary.config_audit import advised, of_settings
from rldk_tui.tui.cells import Box, Line, Page, Span, Tone, left, line, wrapped
from rldk_tui.tui.pages.finding import finding_page
from rldk_tui.tui.tones import SEVERITY_TONES
from rldk_tui.tui.view import View

_MOST_NAME, _LEAST_NAME, _MOST_VALUE = 40, 14, 24
_LONGEST = 2000
"""Characters of a value that are shown."""


def config_page() -> Page:
    """The page behind `5`."""
    return Page("config", "Config", _draw)


def _draw(view: View, box: Box) -> tuple[Line, ...]:
    """What is wrong first, then what was chosen, then what it ran on, and last what nobody chose."""
    info = view.health.snapshot.info
    advice = advised(view.health.findings)
    if not info.config:
        said = (
            "The settings are not known: a run with RLDKCallback records them, and so does a model card beside the checkpoints."
        )
        return (*wrapped(said, box.width, Tone.WARNING), line(), *_facts(view, box))
    rows = _audit(view, box)
    other = set_otherwise(info.config, info.algorithm)
    rows += [
        line(),
        _heading(f"Set otherwise than by default: {count(len(other))}", f" · defaults of trl {defaults_version()}"),
    ]
    width = _name_width(other, box)
    values = min(_MOST_VALUE, max((cell_len(_written(value)) for value, _ in other.values()), default=0))
    for name, (value, default) in other.items():
        rows += _setting(name, value, box, (width, values), advice, default=default)
    if not other:
        rows.append(line(Span("  nothing that a default is known of", Tone.DIM)))
    rows += [line(), *_facts(view, box)]
    rest = {name: value for name, value in sorted(info.config.items()) if name not in other}
    rows += [line(), _heading(f"As by default, or without a known one: {count(len(rest))}")]
    width = _name_width(rest, box)
    for name, value in rest.items():
        rows += _setting(name, value, box, (width, 0), advice)
    return tuple(rows)


def _facts(view: View, box: Box) -> list[Line]:
    snapshot = view.health.snapshot
    info = snapshot.info
    known: dict[str, Json] = {
        "run": snapshot.name,
        "run id": info.run_id if info.run_id != snapshot.name else None,
        "algorithm": info.algorithm.value.upper().replace("_", " ") if info.algorithm else None,
        "trainer": info.trainer,
        "model": info.model,
        "steps": info.max_steps,
        "seed": info.seed,
        "git revision": info.git_revision,
        "host": info.host,
        "process": info.pid,
        "processes": info.world_size if info.world_size > 1 else None,
        "launches": len(snapshot.segments) if len(snapshot.segments) > 1 else None,
        "versions": ", ".join(f"{name} {version}" for name, version in info.versions.items()) or None,
        "read from": ", ".join(dict.fromkeys(origin.format for origin in view.health.sources)) or None,
    }
    facts = {name: value for name, value in known.items() if value is not None}
    rows = [_heading("Run")]
    for name, value in facts.items():
        rows += _entry(name, _written(value), box, _LEAST_NAME)
    hardware = {name: _in_bytes(name, value) for name, value in info.hardware.items()}
    if hardware:
        rows += [line(), _heading("Hardware")]
        for name, value in hardware.items():
            rows += _entry(name.replace("_", " "), _written(value), box, _LEAST_NAME)
    return rows


def _in_bytes(name: str, value: Json) -> Json:
    """Memory is recorded in bytes; people read GiB."""
    if isinstance(value, int) and not isinstance(value, bool) and "memory" in name:
        return size(value)
    if name == "gpus" and isinstance(value, list):
        return "; ".join(_gpu(gpu) for gpu in value)
    return value


def _gpu(gpu: Json) -> str:
    if not isinstance(gpu, dict):
        return str(gpu)
    memory = gpu.get("memory_total")
    return f"{gpu.get('index', '?')}: {gpu.get('name') or 'GPU'}" + (f", {size(memory)}" if isinstance(memory, int) else "")


def _audit(view: View, box: Box) -> list[Line]:
    """What rules over settings found."""
    found = of_settings(view.health.findings)
    rows = [_heading(f"Risky settings: {count(len(found))}")]
    for finding in found:
        head = line(
            Span(f"  {SEVERITY_GLYPHS[finding.severity]} {finding.severity.value}  ", SEVERITY_TONES[finding.severity]),
            Span(finding.rule, Tone.STRONG),
            opens=finding_page(finding),
        )
        rows += [head, *wrapped(finding.summary, box.width, Tone.DIM, "    ")]
        for advice in finding.advice:
            rows += wrapped(f"→ {advice.text}", box.width, Tone.PLAIN, "    ")
    if not found:
        rows.append(line(Span("  none that a rule knows of", Tone.DIM)))
    return rows


def _name_width(settings: Mapping[str, object], box: Box) -> int:
    return min(_MOST_NAME, max(_LEAST_NAME, box.width // 3), max((len(name) for name in settings), default=_LEAST_NAME))


_UNKNOWN = object()


def _setting(
    name: str,
    value: Json,
    box: Box,
    widths: tuple[int, int],
    changes: Mapping[str, tuple[Finding, Advice]],
    default: Json = _UNKNOWN,
) -> list[Line]:
    width, values = widths
    rows = _entry(name, _written(value), box, width, Tone.PLAIN if default is _UNKNOWN else Tone.STRONG)
    if default is not _UNKNOWN:
        gap = " " * max(0, width + 4 + values - rows[-1].width)
        beside = Line((*rows[-1].spans, Span(f"{gap}   default {_written(default)}", Tone.DIM)))
        rows[-1:] = (
            [beside] if beside.width <= box.width else [rows[-1], *_entry("", f"default {_written(default)}", box, width)]
        )
    if name in changes:
        finding, advice = changes[name]
        text = f"→ {advice.proposed} ({finding.rule})"
        tone = SEVERITY_TONES[finding.severity]
        rows += wrapped(text, box.width, Tone.HIGH if tone is Tone.CRITICAL else tone, " " * (width + 4))
    return rows


def _entry(name: str, value: str, box: Box, width: int, tone: Tone = Tone.PLAIN) -> list[Line]:
    first, *more = wrapped(value, box.width - width - 4, tone)
    rows = [Line((Span(f"  {left(name, width)}  ", Tone.DIM), *first.spans))]
    return [*rows, *(Line((Span(" " * (width + 4)), *row.spans)) for row in more)]


def _written(value: Json) -> str:
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, float):
        return f"{value:g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return one_line(text, _LONGEST) if text else '""'


def _heading(text: str, note: str = "") -> Line:
    return line(Span(text, Tone.ACCENT), Span(note, Tone.DIM))
