"""The command line that runs `rldk` in a process of its own, found where this process found it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_PACKAGES = str(Path(__file__).resolve().parents[2])
_CODE = f"import os, sys; os.nice(19); sys.path.append({_PACKAGES!r}); from rldk_tui.cli import main; sys.exit(main())"


def own_command(*arguments: str) -> list[str]:
    """`rldk` with these arguments at the lowest priority; the current folder, in which may lie anything, is not on its path."""
    return [sys.executable, "-P", "-c", _CODE, *arguments]


def without_devices() -> Mapping[str, str]:
    """This process's environment for one that is to leave the GPUs to the training."""
    return {**os.environ, "CUDA_VISIBLE_DEVICES": ""}


def last_words(complaint: str, status: int) -> str:
    """What `rldk` complained of on standard error, in one line: its sentence and hint, of a traceback the last line."""
    rows = [row.strip() for row in complaint.splitlines() if row.strip()]
    if not rows:
        return f"it ended with status {status}"
    if rows[0].startswith("Traceback"):
        return rows[-1]
    return " ".join(rows[-2:]).removeprefix("rldk: ")
