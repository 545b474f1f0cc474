"""The texts of a step that are not in memory any more, read again when they are looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

from rldk_tui.events import Completions, Phase
from rldk_tui.tui.view import View

LARGEST = 64 * 1024 * 1024
"""Bytes of a file that is read again while somebody waits."""


@dataclass(slots=True)
class Recalled:
    """The generations of one step: read once, and kept for as long as their page is there."""

    step: int
    phase: Phase
    _read: Completions | str | None = field(default=None, init=False)

    def of(self, view: View) -> Completions | str:
        """They, or in a few words why they cannot be had."""
        held = view.health.snapshot.completions
        known = next((log for log in held if (log.step, log.phase) == (self.step, self.phase)), None)
        if known is not None:
            return known
        if self._read is None:
            self._read = self._again(view)
        return self._read

    def _again(self, view: View) -> Completions | str:
        key = self.step, self.phase
        logged = next((one for one in view.health.snapshot.generations if one.key == key), None)
        if logged is None:
            return "not on record"
        try:
            large = (view.health.directory / logged.source).stat().st_size > LARGEST
        except OSError as failure:
            return f"{logged.source} cannot be read again ({failure.strerror})"
        if large:
            return f"{logged.source} is large; rldk generations RUN --step {self.step} reads it"
        found = view.health.generations(logged)
        return found if isinstance(found, Completions) else found.message
