"""What of the sampled work could teach anything, and what the rest cost."""

from __future__ import annotations

import math

import numpy as np

from rldk_tui.analysis.learning_signal import WINDOW, Cost, learning_signal
from rldk_tui.charts.format import number, percent
from rldk_tui.charts.growing import shape_of
from rldk_tui.charts.plot import plot
from rldk_tui.summary.learning_signal import MUCH, advice, sentence
from rldk_tui.tui.cells import Box, Line, Page, Span, Tone, left, line, right, wrapped
from rldk_tui.tui.view import View

_PLOT_HEIGHT, _LABEL, _MOST_WIDTH = 6, 7, 100


def learning_page() -> Page:
    """The page behind `w`."""
    return Page("learning", "Learning signal", _draw)


def learning_line(view: View) -> Line | None:
    """The account in one line; None where there is none to give."""
    told = learning_signal(view.health.snapshot, 2 * WINDOW)
    if isinstance(told, str):
        return None
    return line(Span(sentence(told), Tone.WARNING if told.share >= MUCH else Tone.DIM))


def _draw(view: View, box: Box) -> tuple[Line, ...]:
    told = learning_signal(view.health.snapshot)
    width = min(box.width, _MOST_WIDTH)
    if isinstance(told, str):
        return wrapped(told, width, Tone.DIM)
    said = sentence(told)
    rows = [
        *wrapped(f"{said[:1].upper()}{said[1:]}.", width, Tone.WARNING if told.share >= MUCH else Tone.STRONG),
        line(),
        line(Span("Why a reply taught nothing", Tone.ACCENT)),
    ]
    rows += [line("  ", Span(right(percent(share), 7), Tone.STRONG), f"  {name}") for name, share in told.parts]
    if not told.parts:
        rows.append(line(Span("  every reply of these logs had a reward that others of its group did not get", Tone.DIM)))
    if told.truncated is not None and not told.masked:
        text = f"{percent(told.truncated)} were cut off at the limit: they teach, but their reward grades a fragment"
        rows += wrapped(text, width, Tone.DIM, "  ")
    rows += [line(), line(Span("What that cost", Tone.ACCENT))]
    rows += [_cost("tokens", told.tokens), _cost("GPU-hours", told.gpu_hours)]
    if not math.isnan(told.gpu_hours.total):
        rows += wrapped("GPU-hours: time a step of every process, whatever the device did in it.", width, Tone.DIM, "  ")
    rows += [line(), line(Span("Share that taught nothing, log by log", Tone.ACCENT))]
    shape = shape_of(told.steps, told.shares, np.zeros(told.shares.size, bool))
    for row in plot(shape, max(8, width - _LABEL - 1), _PLOT_HEIGHT, box.plot_glyphs):
        axis = row.label == "" and row.cells.strip()[:1].isdigit()
        rows.append(line(Span(right(row.label, _LABEL) + " ", Tone.DIM), Span(row.cells, Tone.DIM if axis else Tone.CHART)))
    rows += [line(), line(Span("What to change", Tone.ACCENT))]
    for text in advice(told):
        rows += wrapped(text, width, Tone.PLAIN, "  ")
    return tuple(rows)


def _cost(name: str, cost: Cost) -> Line:
    if math.isnan(cost.total):
        return line("  ", Span(left(name, 12), Tone.DIM), Span("not measured", Tone.DIM))
    share = percent(cost.wasted / cost.total) if cost.total else percent(0.0)
    return line(
        "  ",
        Span(left(name, 12), Tone.DIM),
        f"about {number(cost.wasted)} of {number(cost.total)}",
        Span(f"  {share}", Tone.DIM),
    )
