"""What the terminal at hand can show."""

from __future__ import annotations

import os
import re
import shutil
import sys

_WITHOUT_TERMINAL = 100
"""Columns of a page that goes to a file or a pipe."""


_FEW_SIGNS = re.compile(r"linux|vt\d")
"""How the names of terminals begin whose fonts have neither braille nor all blocks: the Linux console, and real ones."""


def ascii_only() -> bool:
    """Whether there are no blocks and arrows: by the locale's encoding, or by the terminal's font.

    `LC_ALL=C` says so too, though Python then writes UTF-8 (PEP 540). A mere `LANG=C` is what containers have.
    """
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "").replace("_", "")
    plain = os.environ.get("LC_ALL") in {"C", "POSIX"} or _FEW_SIGNS.match(os.environ.get("TERM", "")) is not None
    return plain or not encoding.startswith("utf")


def mouse_costs_escape() -> bool:
    """Whether to leave the mouse alone: while a program takes it, GNU screen holds a lone Esc back until the next key."""
    return "STY" in os.environ


def colours() -> bool:
    """Whether standard output is a terminal that wants colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def page_width() -> int:
    """Columns for a page of text."""
    if "COLUMNS" not in os.environ and not sys.stdout.isatty():
        return _WITHOUT_TERMINAL
    return max(40, min(200, shutil.get_terminal_size((_WITHOUT_TERMINAL, 24)).columns))
