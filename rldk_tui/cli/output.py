"""Printing, to whoever listens."""

from __future__ import annotations

import io
import os
import sys


def say(text: str) -> bool:
    """Print to whoever listens: a terminal of any alphabet, a pipe that may be closed already, or nobody.

    Returns:
        False if the pipe is closed; what is printed from then on goes nowhere.

    Raises:
        OSError: if the text could not be written for another reason, such as a full disk.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        print(text, flush=True)
    except OSError as failure:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter fails once more when it flushes at its end
        if not isinstance(failure, BrokenPipeError):
            raise
        return False
    return True


def complain(text: str) -> None:
    """Print to standard error."""
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")
    print(text, file=sys.stderr)
