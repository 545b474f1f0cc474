"""What the terminal at hand can show."""

from __future__ import annotations

import os
import shutil
import sys

_WITHOUT_TERMINAL = 100
"""Columns of a page that goes to a file or a pipe."""


def ascii_only() -> bool:
    """Whether the locale's encoding has no blocks and arrows."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "").replace("_", "")
    return not encoding.startswith("utf")


def colours() -> bool:
    """Whether standard output is a terminal that wants colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def page_width() -> int:
    """Columns for a page of text."""
    if "COLUMNS" not in os.environ and not sys.stdout.isatty():
        return _WITHOUT_TERMINAL
    return max(40, min(200, shutil.get_terminal_size((_WITHOUT_TERMINAL, 24)).columns))
