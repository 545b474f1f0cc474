"""What the trainer logged: latest value, trend, shape of the whole run, and what is out of its band."""

from __future__ import annotations

import math

from rldk_tui.charts.format import NOT_MEASURED, count, number, signed
from rldk_tui.charts.sparkline import sparkline
from rldk_tui.events import Severity
from rldk_tui.metrics import CATALOGUE, Direction, lookup, title
from rldk_tui.tui.cells import Box, Drawing, Line, Span, Tone, left, line, right, tail
from rldk_tui.tui.metric_lines import MetricLine
from rldk_tui.tui.panels import Panel, Place
from rldk_tui.tui.view import View
from rldk_tui.tui.waiting import nothing_to_follow

_VALUE, _TREND, _WIDE_TREND, _LEAST_SPARK = 8, 9, 12, 8
_WIDE = 96
_MOST_SPARK = 120
_UNSHOWN = frozenset({"epoch"})
"""The header's progress says it better."""
_STALE_AFTER = 2
"""Missing this many logs in a row at a metric's own rhythm, it is said to have stopped arriving."""


def draw(view: View, box: Box) -> Drawing:
    """A row a metric, the algorithm's headline metrics first."""
    names = _names(view)
    if not names:
        return Drawing(_none_logged(view, box))
    wide = box.width >= _WIDE
    trend_width = _WIDE_TREND if wide else _TREND
    notes = {name: _note(view, view.metrics[name], wide=wide) for name in names if name in view.metrics}
    note_width = max((note.width for note in notes.values()), default=0)
    unit_width = 0 if box.width < 50 else max((len(_unit(view, name)) for name in names), default=0)
    title_width = min(max(len(title(name)) for name in names), max(12, box.width * 3 // 10))
    fixed = title_width + 1 + _VALUE + 1 + unit_width + (unit_width > 0) + trend_width + 1
    spark = box.width - fixed - (note_width + 2 if note_width else 0)
    if spark < _LEAST_SPARK:
        spark, notes = max(0, box.width - fixed), {name: note for name, note in notes.items() if note.tone is Tone.HIGH}
        spark -= max((note.width + 2 for note in notes.values()), default=0)
    spark = min(spark, _MOST_SPARK)
    looked_at = max((known.trend.logs for known in view.metrics.values() if known.trend), default=0)
    head = (
        left("", title_width + 1)
        + right("latest", _VALUE)
        + " " * (1 + unit_width + (unit_width > 0))
        + f"{'in ' if wide else ''}{looked_at} logs"
    )
    rows = [line(Span(left(f"{head:{fixed}}whole run", box.width).rstrip(), Tone.DIM))]
    for name in names:
        start = (_title(name, title_width), Span(" "))
        known = view.metrics.get(name)
        if known is None:
            rows.append(line(*start, Span(right(NOT_MEASURED, _VALUE + unit_width + 6).lstrip(), Tone.DIM)))
            continue
        unit = Span(left(known.unit, unit_width) + " ", Tone.DIM) if unit_width else Span("")
        note = notes.get(name, Span(""))
        chart = _chart(view, known, box, spark)
        gap = Span(" " * (spark + 2 - sum(span.width for span in chart)))
        rows.append(
            line(*start, _value(view, known), Span(" "), unit, _trend(known, trend_width), Span(" "), *chart, gap, note)
        )
    return Drawing(tuple(rows), (_unusable(view, box),), _counted(view, names))


def _none_logged(view: View, box: Box) -> tuple[Line, ...]:
    if view.health.snapshot.tailable:
        return (line(Span("No metric has been logged yet.", Tone.DIM)),)
    return nothing_to_follow(box, "No metric was logged, and nothing here can be followed while the training runs.")


def _names(view: View) -> list[str]:
    """Headline metrics in their order, logged or only expected of this trainer, then everything else."""
    algorithm = view.health.snapshot.info.algorithm
    headline = [
        (metric.headline, metric.name)
        for metric in CATALOGUE
        if metric.headline
        and (metric.name in view.metrics or (view.metrics and algorithm is not None and algorithm in metric.expected_in))
    ]
    first = [name for _, name in sorted(headline)]
    rest = [name for name in view.metrics if name not in first and name not in _UNSHOWN and not name.startswith("final/")]
    return first + sorted(rest, key=_further)


def _further(name: str) -> tuple[bool, bool, bool]:
    """Single rewards before what the catalogue knows, that before the trainer's other keys, evaluation last."""
    return (name.startswith("eval/"), not name.startswith("rewards/"), title(name) == name)


def _counted(view: View, names: list[str]) -> str:
    logged = f"{count(sum(name in view.metrics for name in names))} logged"
    return logged if view.health.snapshot.tailable else f"{logged}, as of the last checkpoint"


def _title(name: str, width: int) -> Span:
    """What people call it; of a trainer's own key the end, which tells `/mean` from `/std`."""
    own = title(name) == name
    return Span(tail(name, width) if own else left(title(name), width), Tone.DIM if own else Tone.PLAIN)


def _unit(view: View, name: str) -> str:
    known = view.metrics.get(name)
    return known.unit if known else ""


def _outside(view: View, known: MetricLine) -> bool:
    band = lookup(known.name).band_in(view.health.snapshot.info.algorithm)
    return band is not None and known.latest is not None and not band.holds(known.latest)


def _value(view: View, known: MetricLine) -> Span:
    if known.latest is None:
        return Span(right("None", _VALUE), Tone.WARNING)
    text = right(number(known.latest), _VALUE)
    if not math.isfinite(known.latest):
        return Span(text, Tone.HIGH)
    return Span(text, Tone.HIGH if _outside(view, known) else Tone.STRONG)


def _trend(known: MetricLine, width: int) -> Span:
    if known.trend is None:
        return Span(" " * width)
    if not known.trend.clear:
        return Span(left("─", width), Tone.DIM)
    rising = known.trend.change > 0
    wanted = lookup(known.name).direction
    tone = Tone.PLAIN
    if wanted is not Direction.NEITHER:
        tone = Tone.GOOD if rising == (wanted is Direction.UP) else Tone.WARNING
    return Span(left(f"{'▲' if rising else '▼'} {signed(known.trend.change)}", width), tone)


def _note(view: View, known: MetricLine, *, wide: bool) -> Span:
    """What is remarkable about the latest value: it is old, or outside its band; else, with room, the band."""
    missed = _newest_log(view) - known.last_step
    if known.gap and missed > _STALE_AFTER * known.gap:
        return Span(f"last seen {count(missed)} steps ago" if wide else f"{count(missed)} st. ago", Tone.WARNING)
    band = lookup(known.name).band_in(view.health.snapshot.info.algorithm)
    if band is None:
        return Span("")
    if known.latest is not None and not band.holds(known.latest):
        if wide:
            return Span(f"✖ outside {band}", Tone.HIGH)
        below = band.low is not None and known.latest < band.low
        return Span(f"✖ < {number(band.low)}" if below else f"✖ > {number(band.high)}", Tone.HIGH)
    return Span(f"band {band}" if wide else "", Tone.DIM)


def _newest_log(view: View) -> int:
    return max(
        (known.last_step for known in view.metrics.values() if not known.name.startswith(("eval/", "final/"))), default=0
    )


def _chart(view: View, known: MetricLine, box: Box, width: int) -> tuple[Span, ...]:
    """The shape of the run, stretches with a finding on this metric in the finding's tone."""
    cells = sparkline(known.shape, width, box.glyphs)
    troubles = [finding for finding in reversed(view.health.findings) if finding.metric == known.name]
    tones = [Tone.CHART] * len(cells.text)
    for finding in troubles:
        if finding.severity is Severity.INFO:
            continue
        end = float("inf") if finding.open else finding.last_step
        start = 0
        for index, last in enumerate(cells.last_steps):
            if last >= finding.first_step and start <= end:
                tones[index] = Tone.WARNING if finding.severity is Severity.WARNING else Tone.HIGH
            start = int(last) + 1
    spans: list[Span] = []
    for char, tone in zip(cells.text, tones, strict=True):
        if spans and spans[-1].tone is tone:
            spans[-1] = Span(spans[-1].text + char, tone)
        else:
            spans.append(Span(char, tone))
    return tuple(spans)


def _unusable(view: View, box: Box) -> Line:
    """How much of what was logged was no number."""
    odd = [known for known in view.metrics.values() if known.not_finite or known.no_value]
    if not odd:
        return line(Span(f"NaN, Inf and None: 0 seen in {count(len(view.metrics))} metrics", Tone.DIM))
    not_finite, none = sum(known.not_finite for known in odd), sum(known.no_value for known in odd)
    worst = sorted(odd, key=lambda known: -(known.not_finite + known.no_value))
    where = ", ".join(known.name for known in worst[:3]) + (" …" if len(worst) > 3 else "")
    text = f"! NaN or Inf {count(not_finite)} · None {count(none)}  in {where}"
    return line(Span(left(text, box.width).rstrip(), Tone.WARNING))


def _wants(view: View, _width: int) -> int:
    return max(4, len(_names(view)) + 2)


PANEL = Panel(name="metrics", key="1", order=2, place=Place.LEFT, least=10, wants=_wants, draw=draw)
