"""What long work is doing just now, for whoever waits; work tells it, a face shows it."""

from __future__ import annotations

from typing import Protocol


class Stages(Protocol):
    """Shows how far the work is."""

    def begin(self, what: str) -> None:
        """The work has come to this."""

    def far(self, done: int, whole: int) -> None:
        """So many bytes of it are done."""


class _Silence:
    def begin(self, what: str) -> None: ...

    def far(self, done: int, whole: int) -> None: ...


SILENT: Stages = _Silence()
"""Nobody waits at a terminal."""
