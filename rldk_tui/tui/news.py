"""Which findings are news to whoever watches."""

from __future__ import annotations

from rldk_tui.events import Finding, Severity
from rldk_tui.tui.view import View


class News:
    """Follows one run, view after view."""

    def __init__(self) -> None:
        self._known: set[str] | None = None

    def of(self, view: View) -> list[Finding]:
        """Critical findings that were not there, or not critical, before; none of those that stood at the first whole look."""
        critical = {
            finding.id: finding
            for finding in view.health.findings
            if finding.open and finding.severity is Severity.CRITICAL and finding.rule not in view.muted
        }
        if self._known is None:
            if not view.health.more:
                self._known = set(critical)
            return []
        new = [finding for name, finding in critical.items() if name not in self._known]
        self._known |= set(critical)
        return new
