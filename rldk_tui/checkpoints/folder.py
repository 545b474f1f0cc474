"""What a checkpoint folder holds.

The Trainer writes `checkpoint-<step>/` in place, `trainer_state.json` last, so a folder without it is still being written
(or its writer died). Weights are written with mode 0600: another user sees the folder and cannot read them.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"checkpoint-(\d+)")
_LAST_WRITTEN = "trainer_state.json"


@dataclass(frozen=True, slots=True)
class CheckpointFolder:
    """One checkpoint.

    Attributes:
        step: From the folder's name.
        files: Names of the regular files in it, sorted.
        size: Bytes of all of them together.
        complete: Whether the file that is written last is there.
        unreadable: Files this user may not read.
    """

    step: int
    files: tuple[str, ...]
    size: int
    complete: bool
    unreadable: tuple[str, ...]


def step_of(name: str) -> int | None:
    """The step of a checkpoint folder's name, None if it is no such name."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else None


def inspect_folder(folder: Path) -> CheckpointFolder:
    """Look at a checkpoint folder; nothing in it is opened.

    Raises:
        OSError: if the folder cannot be listed.
        ValueError: if its name is not that of a checkpoint.
    """
    step = step_of(folder.name)
    if step is None:
        raise ValueError(f"{folder.name} is not named checkpoint-<step>")
    with os.scandir(folder) as listing:
        files = sorted((entry for entry in listing if entry.is_file(follow_symlinks=False)), key=lambda entry: entry.name)
    return CheckpointFolder(
        step=step,
        files=tuple(entry.name for entry in files),
        size=sum(entry.stat(follow_symlinks=False).st_size for entry in files),
        complete=any(entry.name == _LAST_WRITTEN for entry in files),
        unreadable=tuple(entry.name for entry in files if not os.access(entry.path, os.R_OK)),
    )


def checkpoints_of(run: Path) -> tuple[Path, ...]:
    """The checkpoint folders in a run directory, by their steps; none in what is no directory or is a checkpoint itself."""
    try:
        if step_of(run.resolve().name) is not None:
            return ()
        with os.scandir(run) as listing:
            found = [(step, entry.name) for entry in listing if (step := step_of(entry.name)) is not None and entry.is_dir()]
    except (OSError, RuntimeError):  # Python before 3.13 raises the latter for a loop of links
        return ()
    return tuple(run / name for _, name in sorted(found))
