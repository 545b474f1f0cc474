"""What a person typed becomes a run directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePath

from rldk_tui.errors import UserError
from rldk_tui.readers import HEAD, format_of

_LOOKED_FOR = (
    "Looked for RLDK event logs (rldk/events-*.jsonl), TensorBoard events, trainer_state.json and "
    'completions/*.parquet. Add RLDKCallback() or report_to="tensorboard" to the training.'
)
_LOG_FOLDERS = ("rldk", "completions", "runs", "logs", "tensorboard")
"""Folders of a run in which logs lie; the Hugging Face Trainer's `runs/<time>_<host>` is one level deeper."""
_MOST_FILES = 2000


class NoLogError(UserError):
    """There is a folder, but no log in it (yet)."""


def locate(path: Path) -> Path:
    """The run directory a person means: itself, or the newest run of a folder of runs.

    Raises:
        UserError: if the path does not exist, is a file or may not be read.
        NoLogError: if it is empty or holds no log.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist.", _near(path))
    if not path.is_dir():
        raise UserError(f"{path} is a file, not a run directory.", f"Give the folder it lies in: {path.parent}")
    try:
        if is_run(path):
            return path
        newest = newest_run(path)
        if newest is not None:
            return newest
        empty = not any(path.iterdir())
    except PermissionError as failure:
        raise UserError(f"{path} may not be read by this user.", "Check its mode and owner.") from failure
    if empty:
        raise NoLogError(f"{path} is empty.", _LOOKED_FOR)
    raise NoLogError(f"{path} holds no training log.", _LOOKED_FOR)


def is_run(path: Path) -> bool:
    """Whether the folder itself is a run: a log in it, in a checkpoint of it, or in one of its log folders."""
    if _has_log(path, PurePath()):
        return True
    for folder in _folders(path):
        name = folder.name
        if name.startswith("checkpoint-") and _has_log(folder, PurePath(name)):
            return True
        if name in _LOG_FOLDERS and (_has_log(folder, PurePath(name)) or any(_is_launch(inner) for inner in _folders(folder))):
            return True
    return False


def _is_launch(folder: Path) -> bool:
    """A folder of event files alone, as TensorBoard writers make them: part of a run rather than one."""
    return any("tfevents" in name for name in os.listdir(folder)) and _has_log(folder, PurePath(folder.name))  # noqa: PTH208


def newest_run(path: Path) -> Path | None:
    """Of a folder of runs, the one whose log was written last."""
    return max(runs_below(path), key=_last_written, default=None)


def runs_below(path: Path) -> Iterator[Path]:
    """The runs in a folder of runs, and in its folders."""
    for folder in _folders(path):
        if is_run(folder):
            yield folder
        else:
            yield from (inner for inner in _folders(folder) if is_run(inner))


def _has_log(folder: Path, place: PurePath) -> bool:
    with os.scandir(folder) as listing:
        for count, entry in enumerate(listing):
            if count > _MOST_FILES:
                return False
            if entry.is_file() and _is_log(Path(entry.path), place / entry.name):
                return True
    return False


def _is_log(file: Path, place: PurePath) -> bool:
    try:
        with file.open("rb") as opened:
            return format_of(place, opened.read(HEAD)) is not None
    except OSError:
        return False


def _folders(path: Path) -> list[Path]:
    with os.scandir(path) as listing:
        names = [entry.path for entry in listing if entry.is_dir() and not entry.name.startswith(".")]
    return [Path(name) for name in sorted(names)]


def _last_written(run: Path) -> float:
    times = [file.stat().st_mtime for pattern in ("*", "*/*", "*/*/*") for file in run.glob(pattern) if file.is_file()]
    return max(times, default=0.0)


def _near(path: Path) -> str:
    """Names beside the missing one that look like it."""
    from difflib import get_close_matches

    parent = path.parent
    if not parent.is_dir():
        return f"There is no folder {parent} either."
    names = [folder.name for folder in _folders(parent)]
    near = get_close_matches(path.name, names, n=3, cutoff=0.4)
    if near:
        return "Did you mean " + " or ".join(str(parent / name) for name in near) + "?"
    return f"{parent} holds {len(names)} folders." if names else f"{parent} holds no folder."
