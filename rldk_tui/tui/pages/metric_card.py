"""Is this normal? What a metric is, its unit in this trainer, how it looks in a healthy run, and what it is mistaken for."""

from __future__ import annotations

from rldk_tui.charts.format import NOT_MEASURED, count, number, quantity
from rldk_tui.charts.severity import SEVERITY_GLYPHS
from rldk_tui.metrics import Direction, lookup, title
from rldk_tui.metrics.meanings import meaning_of
from rldk_tui.tui.cells import Box, Line, MetricPage, Page, Span, Tone, left, line, wrapped
from rldk_tui.tui.metric_lines import MetricLine
from rldk_tui.tui.tones import SEVERITY_TONES
from rldk_tui.tui.view import View

_LABEL = 18
_MOST_WIDTH = 100
_WANTED = {Direction.UP: "up", Direction.DOWN: "down"}


def metric_card(name: str) -> Page:
    """The card of one metric."""
    return Page(f"metric-card:{name}", f"Is this normal? {title(name)}", lambda view, box: _draw(name, view, box))


def metric_page(name: str, step: int | None = None) -> MetricPage:
    """The chart of one metric, its crosshair at this step."""
    card = metric_card(name)
    return MetricPage(f"metric:{name}", card.title, card.draw, metric=name, step=step)


def _draw(name: str, view: View, box: Box) -> tuple[Line, ...]:
    width = min(box.width, _MOST_WIDTH)
    rows = [
        line(Span(title(name), Tone.STRONG), Span(f"  {name}" if title(name) != name else "", Tone.DIM)),
        line(),
        *_now(name, view, width),
        line(),
    ]
    meaning, metric = meaning_of(name), lookup(name)
    algorithm = view.health.snapshot.info.algorithm
    trainer = algorithm.value.upper().replace("_", " ") if algorithm else "this trainer"
    rows += _entry("What it is", _sentence(meaning.what), width)
    rows += _entry(f"Unit in {trainer}", metric.unit_in(algorithm) or "none: a plain number, a share or a ratio", width)
    others = [
        f"{unit} in {other.value.upper().replace('_', ' ')}" for other, unit in metric.units.items() if other != algorithm
    ]
    if others:
        rows += _entry("", ", ".join(others), width, Tone.DIM)
    if meaning.healthy:
        rows += _entry("When all is well", _sentence(meaning.healthy), width)
    if metric.direction in _WANTED:
        rows += _entry("It should go", _WANTED[metric.direction], width)
    band = view.health.band(name)
    if band is not None:
        rows += _entry("Normal values", f"{band}  ({band.source})", width)
    else:
        rows += _entry("Normal values", f"nobody has said for {trainer}: judge it by its own past", width, Tone.DIM)
    if meaning.mistaken:
        rows += _entry("Often mistaken", _sentence(meaning.mistaken), width)
    if metric.note and metric.note not in (meaning.what, meaning.mistaken):
        rows += _entry("Mind", _sentence(metric.note), width)
    if metric.to_log and name not in view.metrics:
        rows += _entry("To have it logged", _sentence(metric.to_log), width)
    if metric.aliases:
        rows += _entry("Also logged as", ", ".join(metric.aliases), width, Tone.DIM)
    rows += _entry("Source", _sentence(meaning.source), width, Tone.DIM)
    return (*rows, *_rules(name, view, width))


def _now(name: str, view: View, width: int) -> list[Line]:
    """The answer first: is it normal as it stands?"""
    known = view.metrics.get(name)
    if known is None:
        return _entry("Now", NOT_MEASURED, width, Tone.WARNING)
    value = "None" if known.latest is None else quantity(known.latest, known.unit, 4)
    trend = (
        ""
        if known.trend is None or not known.trend.clear
        else (
            f", {'rising' if known.trend.change > 0 else 'falling'} by {number(abs(known.trend.change))} "
            f"over {count(known.trend.logs)} logs"
        )
    )
    return [
        *_entry("Now", f"{value} at step {count(known.last_step)}{trend}", width, Tone.STRONG),
        *_verdict(name, known, view, width),
    ]


def _verdict(name: str, known: MetricLine, view: View, width: int) -> list[Line]:
    opened = [finding for finding in view.health.findings if finding.metric == name and finding.open]
    if opened:
        worst = opened[0]
        since = f"is open since step {count(worst.first_step)}"
        text = f"{SEVERITY_GLYPHS[worst.severity]} no: {worst.rule} ({worst.severity.value}) {since}"
        return _entry("", text, width, SEVERITY_TONES[worst.severity])
    band = view.health.band(name)
    if band is not None and known.latest is not None and not band.holds(known.latest):
        return _entry("", f"✖ outside {band}, though no rule has anything to say of it yet", width, Tone.WARNING)
    if band is not None:
        return _entry("", f"inside {band}, and no finding on it is open", width, Tone.GOOD)
    judged = [rule for rule in _readers(name) if rule[0] in view.health.evaluated]
    if judged:
        return _entry("", f"no finding on it is open; {count(len(judged))} rules look at it", width, Tone.GOOD)
    return _entry("", "no rule that could be judged here looks at it", width, Tone.DIM)


def _readers(name: str) -> list[tuple[str, str]]:
    """Rules that read the metric, each with its title."""
    from rldk_tui.diagnosis.catalogue import load_rules

    return [(rule.id, rule.title) for rule in load_rules() if name in getattr(rule.rule, "reads", ())]


def _rules(name: str, view: View, width: int) -> list[Line]:
    readers = _readers(name)
    if not readers:
        return []
    rows = [line(), line(Span("Rules that look at it", Tone.ACCENT))]
    open_rules = {finding.rule: finding for finding in view.health.findings if finding.metric == name}
    for rule, says in readers:
        finding = open_rules.get(rule)
        state = "" if rule in view.health.evaluated else "not evaluated here  "
        if finding is not None:
            state = f"{SEVERITY_GLYPHS[finding.severity]} {finding.severity.value}{'' if finding.open else ', closed'}  "
        tone = Tone.DIM if finding is None else SEVERITY_TONES[finding.severity]
        rows += [line(Span(f"  {rule}", Tone.STRONG), "  ", Span(state, tone)), *wrapped(says, width, Tone.DIM, "    ")]
    return rows


def _sentence(text: str) -> str:
    """As a sentence: names of settings keep their first letter."""
    first = text.split(" ", 1)[0]
    begin = text if any(char in first for char in "_=(.") else text[:1].upper() + text[1:]
    return begin if begin.endswith((".", ")", "?")) else f"{begin}."


def _entry(label: str, text: str, width: int, tone: Tone = Tone.PLAIN) -> list[Line]:
    first, *more = wrapped(text, width - _LABEL, tone)
    rows = [Line((Span(left(label, _LABEL), Tone.DIM), *first.spans))]
    return [*rows, *(Line((Span(" " * _LABEL), *row.spans)) for row in more)]
