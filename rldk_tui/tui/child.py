"""Questions to `rldk` in a process of its own, at low priority: the monitor never carries what the answer takes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from rldk_tui.system.own_command import last_words, own_command, without_devices

_GRACE = 3.0
"""Seconds in which a cancelled child may tidy up."""
_ISSUES = 1
"""The exit status with which `rldk` answers that something is wrong: that is an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the child said.

    Attributes:
        status: Its exit status.
        said: What it printed.
        complaint: What it said went wrong.
    """

    status: int
    said: bytes
    complaint: str

    @property
    def failed(self) -> bool:
        """Whether the question was not answered."""
        return self.status not in (0, _ISSUES)

    @property
    def sentence(self) -> str:
        """Why it was not, in one line."""
        return last_words(self.complaint, self.status)


Ask: TypeAlias = Callable[..., Awaitable[Answer]]
"""Asks `rldk` with these arguments; cancelled, the child ends."""


async def ask_rldk(*arguments: str) -> Answer:
    """Run `rldk` with these arguments to its end.

    Raises:
        OSError: if no process can be started.
    """
    child = await asyncio.create_subprocess_exec(
        *own_command(*arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=without_devices(),
    )
    try:
        said, complaint = await child.communicate()
    finally:
        if child.returncode is None:
            await _end(child)
    return Answer(child.returncode or 0, said, complaint.decode(errors="replace"))


async def _end(child: asyncio.subprocess.Process) -> None:
    """An interrupt, as from the keyboard, lets it delete what it has half written."""
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGINT)
        try:
            await asyncio.wait_for(child.wait(), _GRACE)
        except (TimeoutError, asyncio.CancelledError):
            child.kill()
