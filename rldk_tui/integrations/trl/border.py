"""Where our own failures stop: an exception raised in a callback would kill the training it was to watch."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import ParamSpec, TypeVar

_Parameters = ParamSpec("_Parameters")
_Answer = TypeVar("_Answer")
_MOST_TOLD = 100
"""Distinct failures that are told in full: a message that changes at every step must not fill a disk."""

logger = logging.getLogger("rldk_tui.integrations.trl")


class Border:
    """Runs our work inside the training process and lets no failure of it out.

    Each distinct failure is told once: to the log of the process as a warning, and to `tell`, which makes an event of it.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told: set[str] = set()

    def attempt(
        self,
        task: str,
        work: Callable[_Parameters, _Answer],
        *arguments: _Parameters.args,
        **named: _Parameters.kwargs,
    ) -> _Answer | None:
        """What `work` returns, or None if it failed. `task` says what was tried, as in "read the versions"."""
        try:
            return work(*arguments, **named)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the training must go on; it is told as an event
            self._caught(task, failure)
            return None

    def attempt_each(self, calls: Iterable[tuple[str, Callable[..., None]]], *arguments: object) -> None:
        """Each call with its task, each for itself: one that fails takes none of the others with it."""
        for task, call in calls:
            try:
                call(*arguments)
            except Exception as failure:  # noqa: BLE001 - as above; this runs at every step
                self._caught(task, failure)

    def _caught(self, task: str, failure: Exception) -> None:
        message = f"could not {task}: {type(failure).__name__}"
        with suppress(Exception):  # its own __str__ may fail
            message = f"{message}: {failure}"
        with suppress(Exception):  # a telling that fails must not get out either
            self.say(message)

    def say(self, message: str) -> None:
        """Tell of something that went wrong, unless the same was told before (numbers in it apart)."""
        kind = re.sub(r"\d+", "#", message)
        if kind in self._told or len(self._told) >= _MOST_TOLD:
            return
        self._told.add(kind)
        self.log(logging.WARNING, "RLDK %s (the training goes on; this is told once)", message)
        self._tell(message)

    def log(self, level: int, text: str, *arguments: object) -> None:
        """Write to the log of the process, and to nothing else."""
        with suppress(Exception):  # somebody else's logging filter may raise, and the event is still to be written
            logger.log(level, text, *arguments)
