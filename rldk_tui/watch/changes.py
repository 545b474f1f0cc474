"""Successive looks at a run become changes: a finding opened, escalated or closed, the run in another state.

The engine says at each look what stands; here it is compared with what was told before. A change is told once, whatever the
number of looks in between: an episode that opened and closed between two looks is told as both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from msgspec.structs import replace

from rldk_tui.events import Finding, FindingChange, RunState, Severity

_SAME_TO_READERS = {RunState.SLOW: RunState.LIVE}
"""A run that saves or evaluates is slow for a while and live again: no news."""


@dataclass(frozen=True, slots=True)
class FindingChanged:
    """What became of one finding.

    Attributes:
        at_start: It was open already when the watch began.
        severity_before: What was told of it before, where it escalated.
    """

    finding: Finding
    change: FindingChange
    at_start: bool = False
    severity_before: Severity | None = None


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The run went into another state; `before` is None where none was known."""

    state: RunState
    before: RunState | None = None

    @property
    def at_start(self) -> bool:
        """Whether it is the state in which the watch found the run."""
        return self.before is None


Change: TypeAlias = FindingChanged | StateChanged


class Changes:
    """What was told of one run so far.

    Args:
        least: Findings are told from this severity on; one that escalates to it is opened then.
    """

    def __init__(self, least: Severity = Severity.INFO) -> None:
        self._least = least.rank
        self._state: RunState | None = None
        self._looked = False
        self._open: dict[str, Finding] = {}
        self._closed: set[str] = set()

    def waiting(self) -> list[Change]:
        """There is no run yet: whatever it will have found when it comes is new."""
        self._looked = True
        return self._of_state(RunState.WAITING)

    def since_last(self, state: RunState, findings: Iterable[Finding]) -> list[Change]:
        """What changed, the worst finding first; at the first look, what is open."""
        first, self._looked = not self._looked, True
        found = [*self._of_findings(tuple(findings), first)]
        news = self._of_state(state)
        return [*news, *found] if first else [*found, *news]

    def _of_state(self, state: RunState) -> list[Change]:
        now, before = _SAME_TO_READERS.get(state, state), self._state
        self._state = now
        return [] if now is before else [StateChanged(now, before)]

    def _of_findings(self, findings: tuple[Finding, ...], first: bool) -> Iterator[FindingChanged]:
        told = [finding for finding in findings if finding.severity.rank >= self._least or finding.id in self._open]
        for finding in told:
            if finding.open:
                yield from self._standing(finding, first)
            elif finding.id not in self._closed:
                yield from self._over(finding, first)
        standing = {finding.id for finding in told}
        for gone in [finding for name, finding in self._open.items() if name not in standing]:
            yield from self._over(replace(gone, open=False), first)

    def _standing(self, finding: Finding, first: bool) -> Iterator[FindingChanged]:
        before = self._open.get(finding.id)
        self._closed.discard(finding.id)
        if before is None:
            self._open[finding.id] = finding
            yield FindingChanged(finding, FindingChange.OPENED, at_start=first)
        elif finding.severity.rank > before.severity.rank:
            self._open[finding.id] = finding
            yield FindingChanged(finding, FindingChange.ESCALATED, severity_before=before.severity)
        else:  # how bad it was at its worst is what was told, and what the next escalation is measured against
            self._open[finding.id] = replace(finding, severity=before.severity)

    def _over(self, finding: Finding, first: bool) -> Iterator[FindingChanged]:
        before = self._open.pop(finding.id, None)
        self._closed.add(finding.id)
        if first:  # over before the watch began
            return
        if before is None:
            yield FindingChanged(replace(finding, open=True), FindingChange.OPENED)
        yield FindingChanged(finding, FindingChange.CLOSED)
