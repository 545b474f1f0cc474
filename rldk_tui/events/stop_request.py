"""The one file by which somebody outside asks a training to save and to stop: `<run>/rldk/stop-requested.json`.

While it is there the request waits; the training removes it when it honours it, at the end of a step. One that lay there
when a training began was meant for an earlier one.
"""

from __future__ import annotations

import getpass
import os
import platform
import tempfile
import time
from pathlib import Path

import msgspec

from rldk_tui.events.schema import Time
from rldk_tui.events.wire import SUBFOLDER

_NAME = "stop-requested.json"
_LARGEST = 65536
"""Bytes of a request that are read."""
_LONGEST = 300
"""Characters of a request's texts that are kept."""


class StopRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says. `by` and `reason` are for people."""

    time: Time
    by: str
    reason: str = ""

    @property
    def sentence(self) -> str:
        """As the end of the run gives it as its reason."""
        by = f" of {self.by[:_LONGEST]}" if self.by else ""
        return f"stopped on request{by}" + (f": {self.reason[:_LONGEST]}" if self.reason else "")


def stop_request_path(run: Path) -> Path:
    """Where the request for a run lies."""
    return run / SUBFOLDER / _NAME


def request_stop(run: Path, reason: str = "", by: str | None = None) -> StopRequest:
    """Ask the training of this run to save a checkpoint and to stop; a request that waits already is replaced.

    Args:
        run: The run directory.
        reason: Why, for the record.
        by: Who asks; by default `user@host`.

    Raises:
        OSError: if it cannot be written.
    """
    request = StopRequest(time=time.time(), by=_somebody() if by is None else by, reason=reason)
    path = stop_request_path(run)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{_NAME}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o644)  # the training may be another user's
            file.write(msgspec.json.encode(request) + b"\n")
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return request


def waiting_stop_request(run: Path) -> StopRequest | None:
    """The request that waits; None if there is none.

    Raises:
        OSError: if the file is there and cannot be read.
        msgspec.MsgspecError: if it is no request.
    """
    try:
        with stop_request_path(run).open("rb") as file:
            return msgspec.json.decode(file.read(_LARGEST), type=StopRequest)
    except FileNotFoundError:
        return None


def withdraw_stop_request(run: Path) -> None:
    """Remove the request: it was honoured, or is meant no more.

    Raises:
        OSError: if it is there and cannot be removed.
    """
    stop_request_path(run).unlink(missing_ok=True)


def _somebody() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container in which this number is nobody
        user = str(os.getuid())
    return f"{user}@{platform.node()}"
