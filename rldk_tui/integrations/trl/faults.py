"""Tells of values that went wrong on their way into the record: an event each, and one warning of the process's log.

What lasts is told once an episode. An episode is over when the value was fine for some rows; each further episode of the same
fault asks for twice as many, so that a metric that flutters for ever does not fill a disk.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping

from rldk_tui.events import ExtractionError, Phase
from rldk_tui.integrations.trl.border import Border, logger

_FINE_ROWS = 5
"""Rows without the fault after which it is told again when it comes back."""
_MOST_FINE_ROWS = 1280
_MOST_KEPT = 1000
"""Faults that are told apart: names that change at every step must not fill the memory."""


class Episodes:
    """Which faults are going on, by any hashable name of theirs. Costs nothing while nothing is wrong."""

    def __init__(self) -> None:
        self._last: dict[object, tuple[int, int]] = {}

    def begins(self, fault: object, row: int) -> bool:
        """Whether a fault seen in this row is new, or back after it was gone; rows are counted by the caller."""
        last, patience = self._last.get(fault, (row, 0))
        if not patience and len(self._last) >= _MOST_KEPT:
            return False
        fine = row - last - 1
        begins = not patience or fine >= patience
        longer = min(patience * 2, _MOST_FINE_ROWS) or _FINE_ROWS
        self._last[fault] = (row, longer if begins else patience)
        return begins


class Faults:
    """Writes each episode of a fault as an event, and warns of it.

    `found` counts all of them by phase and metric, those within an episode included.
    """

    def __init__(self, write: Callable[[ExtractionError], None], border: Border) -> None:
        self.found: Counter[tuple[Phase | None, str | None]] = Counter()
        self._write = write
        self._border = border
        self._episodes = Episodes()
        self._rows: dict[Phase, int] = {}
        self._logs: Mapping[str, object] = {}

    def row(self, phase: Phase, logs: Mapping[str, object]) -> int:
        """The trainer logged a row; returns how many of this phase there were."""
        self._logs = logs
        count = self._rows[phase] = self._rows.get(phase, 0) + 1
        return count

    def tell(self, error: ExtractionError, fault: str) -> None:
        """Something is wrong with the newest row; `fault` names what, the same word for the same trouble."""
        self._count(error)
        row = 0 if error.phase is None else self._rows.get(error.phase, 0)
        if not self._episodes.begins((error.phase, error.metric, fault), row):
            return
        self._write(error)
        advice = f" {error.advice}" if error.advice else ""
        place = f"step {error.step}" + (f" ({error.phase.value})" if error.phase is not None else "")
        self._border.log(logging.WARNING, "RLDK %s: %s.%s", place, error.message, advice)

    def _count(self, error: ExtractionError) -> None:
        if len(self.found) < _MOST_KEPT:
            self.found[error.phase, error.metric] += 1
        if logger.isEnabledFor(logging.DEBUG):
            self._border.log(logging.DEBUG, "RLDK step %s, raw logs: %r", error.step, dict(self._logs))
