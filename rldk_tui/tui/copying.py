"""Text to the clipboard of whoever sits in front of the terminal, however far away, and to a file in any case."""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rldk_tui.charts.text import lines

_ESC = "\x1b"
_SCREEN_CHUNK = 700
"""GNU screen passes on at most 768 bytes at once."""
MOST = 74_000
"""Characters that terminals take at once (xterm: 100 kB of base64)."""


def osc52(text: str, environment: Mapping[str, str]) -> str:
    """The sequence that hands text to the terminal's clipboard (OSC 52), wrapped for the multiplexer it goes through.

    tmux takes the plain sequence where `set-clipboard` is on and the wrapped one where `allow-passthrough` is, so it gets both.
    GNU screen writes what it does not take onto the terminal, so it has the last word where both are there.
    """
    data = base64.b64encode(text[:MOST].encode()).decode()
    plain = f"{_ESC}]52;c;{data}\a"
    if environment.get("TMUX") and not environment.get("STY"):
        return f"{plain}{_ESC}Ptmux;{plain.replace(_ESC, 2 * _ESC)}{_ESC}\\"
    if environment.get("STY") or environment.get("TERM", "").startswith("screen"):
        parts = (plain[at : at + _SCREEN_CHUNK] for at in range(0, len(plain), _SCREEN_CHUNK))
        return "".join(f"{_ESC}P{part}{_ESC}\\" for part in parts)
    return plain


def harmless(text: str) -> str:
    """Text of a run that may be pasted into a shell or an issue: no control characters but line breaks."""
    return "\n".join(lines(text))


def written_copy(text: str) -> Path:
    """The text in a file of its own that only this user can read.

    Raises:
        OSError: if it cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix="rldk-copy-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(name)
