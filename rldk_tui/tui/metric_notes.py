"""What is remarkable about a metric's latest value: it is old, or outside its band."""

from __future__ import annotations

from rldk_tui.charts.format import count, number
from rldk_tui.metrics import Band
from rldk_tui.tui.cells import Span, Tone
from rldk_tui.tui.metric_lines import MetricLine
from rldk_tui.tui.view import View

_STALE_AFTER = 2
"""Missing this many logs in a row at a metric's own rhythm, it is said to have stopped arriving."""


def outside_band(view: View, known: MetricLine) -> bool:
    """Whether the latest value is outside what is normal for this trainer."""
    band = _band_of(view, known)
    return band is not None and known.latest is not None and not band.holds(known.latest)


def note_on(view: View, known: MetricLine, newest: int, *, wide: bool) -> Span:
    """What is remarkable about the latest value: it is old, or outside its band; else, with room, the band.

    `newest` is the last step at which anything was logged.
    """
    missed = newest - known.last_step
    if known.gap and missed > _STALE_AFTER * known.gap:
        return Span(f"last seen {count(missed)} steps ago" if wide else f"−{count(missed)} st.", Tone.WARNING)
    band = _band_of(view, known)
    if band is None:
        return Span("")
    if known.latest is not None and not band.holds(known.latest):
        if wide:
            return Span(f"✖ outside {_ends(band)}", Tone.HIGH)
        below = band.low is not None and known.latest < band.low
        return Span(f"✖ < {number(band.low)}" if below else f"✖ > {number(band.high)}", Tone.HIGH)
    return Span(f"band {_ends(band)}" if wide else "", Tone.DIM)


def _ends(band: Band) -> str:
    """With the word between its ends: a dash beside a minus sign is hard to read."""
    if band.low is None or band.high is None:
        return str(band)
    return f"{number(band.low)} to {number(band.high)}"


def newest_log(view: View) -> int:
    """The last step at which the training logged anything."""
    return max(
        (known.last_step for known in view.metrics.values() if not known.name.startswith(("eval/", "final/"))), default=0
    )


def _band_of(view: View, known: MetricLine) -> Band | None:
    return view.health.band(known.name)
