"""The sign of each severity, the same in every face. The word always stands beside it."""

from __future__ import annotations

from rldk_tui.events import Severity

SEVERITY_GLYPHS = {Severity.INFO: "·", Severity.WARNING: "!", Severity.HIGH: "✖", Severity.CRITICAL: "✖✖"}
