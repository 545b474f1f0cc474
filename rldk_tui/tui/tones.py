"""Which tone and glyph carries which meaning. The word always stands beside them."""

from __future__ import annotations

from rldk_tui.events import RunState, Severity
from rldk_tui.tui.cells import Tone

SEVERITY_TONES = {
    Severity.INFO: Tone.INFO,
    Severity.WARNING: Tone.WARNING,
    Severity.HIGH: Tone.HIGH,
    Severity.CRITICAL: Tone.CRITICAL,
}

OVER = frozenset({RunState.FINISHED, RunState.DIED})
"""States in which nothing more will come: what is open stayed open to the end."""

STATE_TONES = {
    RunState.WAITING: Tone.DIM,
    RunState.LIVE: Tone.GOOD,
    RunState.SLOW: Tone.WARNING,
    RunState.STALLED: Tone.HIGH,
    RunState.FINISHED: Tone.INFO,
    RunState.DIED: Tone.CRITICAL,
    RunState.UNKNOWN: Tone.DIM,
}
STATE_GLYPHS = {
    RunState.WAITING: "○",
    RunState.LIVE: "●",
    RunState.SLOW: "●",
    RunState.STALLED: "●",
    RunState.FINISHED: "●",
    RunState.DIED: "✖",
    RunState.UNKNOWN: "○",
}


def health_tone(health: float | None) -> Tone:
    """The tone of a score's letter."""
    if health is None:
        return Tone.DIM
    return next(tone for limit, tone in _HEALTH if health >= limit)


_HEALTH = ((0.75, Tone.GOOD), (0.60, Tone.WARNING), (0.40, Tone.HIGH), (float("-inf"), Tone.CRITICAL))
