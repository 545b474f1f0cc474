"""What the monitor remembers of a run between two visits, in the user's state directory and never in the run."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import msgspec

_MOST_BYTES = 1_000_000


class Remembered(msgspec.Struct, frozen=True, omit_defaults=True):
    """One run as it was left.

    Attributes:
        panel: The panel that had the keys.
        alone: The panel that had the whole screen, or "".
        mutes: Rules that were muted.
        marks: Steps of the checkpoints that were marked.
        smoothing: Place of the chart's smoothing.
        log: Whether the chart's value axis was logarithmic.
        sort: How the generations were sorted, or "".
        theme: The colours.
    """

    panel: str = ""
    alone: str = ""
    mutes: tuple[str, ...] = ()
    marks: tuple[int, ...] = ()
    smoothing: int = 0
    log: bool = False
    sort: str = ""
    theme: str = ""


def place_of(run: Path) -> Path:
    """The file of a run: its name for people, and a hash of where it lies."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    where = str(run.resolve())
    name = "".join(char if char.isalnum() or char in "-._" else "_" for char in run.resolve().name)[:60]
    return Path(base) / "rldk-tui" / "runs" / f"{name}-{hashlib.sha256(where.encode()).hexdigest()[:12]}.json"


def recall(run: Path) -> Remembered:
    """What is remembered; of what cannot be read, nothing is."""
    try:
        with place_of(run).open("rb") as file:
            return msgspec.json.decode(file.read(_MOST_BYTES), type=Remembered)
    except (OSError, msgspec.DecodeError, RuntimeError):
        return Remembered()


def remember(run: Path, what: Remembered) -> bool:
    """Keep it for the next visit; whether that was possible (a home may be read-only)."""
    try:
        place = place_of(run)
        if what == Remembered() and not place.exists():
            return True
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=".", suffix=".json")
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(what))
        Path(name).replace(place)
    except (OSError, RuntimeError):
        return False
    return True
