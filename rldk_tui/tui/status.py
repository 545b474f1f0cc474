"""The run in one line, for a terminal too small for panels; with more lines, its open findings and metrics."""

from __future__ import annotations

from rldk_tui.charts.format import count
from rldk_tui.charts.severity import SEVERITY_GLYPHS
from rldk_tui.tui.cells import Box, Line, Span, Tone, cut, line
from rldk_tui.tui.header import health_line, state_line
from rldk_tui.tui.panels import panel_named
from rldk_tui.tui.panels.findings import span_of
from rldk_tui.tui.tones import SEVERITY_TONES
from rldk_tui.tui.view import View


def draw_status(view: View, box: Box) -> tuple[Line, ...]:
    """Is it alive, how far, how well, and what is wrong."""
    snapshot = view.health.snapshot
    opened = [finding for finding in view.health.findings if finding.open]
    step = "" if snapshot.step is None else f" {count(snapshot.step)}"
    last = f"/{count(snapshot.info.max_steps)}" if snapshot.info.max_steps else ""
    score = view.health.score
    worst: list[str | Span] = [Span(" · nothing open", Tone.DIM)]
    if opened:
        tone = SEVERITY_TONES[opened[0].severity]
        more = f" +{len(opened) - 1}" if len(opened) > 1 else ""
        worst = [Span(f" {SEVERITY_GLYPHS[opened[0].severity]} {opened[0].rule}{more}", tone)]
    state = state_line(view).spans[0]
    first = line(state, f"{step}{last}", f" · {score.grade}", *worst)
    rows = [
        first,
        line(Span(snapshot.name, Tone.STRONG)),
        health_line(view),
        *(
            line(
                Span(f"{SEVERITY_GLYPHS[finding.severity]} {finding.severity.value}", SEVERITY_TONES[finding.severity]),
                f" {finding.rule} {span_of(finding, snapshot.state)}",
            )
            for finding in opened
        ),
        *panel_named("metrics").draw(view, Box(box.width, ascii=box.ascii)).lines,
    ]
    return tuple(cut(row, box.width) for row in rows[: box.height])
