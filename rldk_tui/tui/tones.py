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
SEVERITY_GLYPHS = {Severity.INFO: "·", Severity.WARNING: "!", Severity.HIGH: "✖", Severity.CRITICAL: "✖✖"}

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
