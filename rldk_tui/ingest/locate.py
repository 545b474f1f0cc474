"""What a person typed becomes a run directory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path, PurePath

from rldk_tui.checkpoints import step_of
from rldk_tui.errors import UserError
from rldk_tui.readers import HEAD, Format, format_of

_LOOKED_FOR = (
    "Looked for RLDK event logs (rldk/events-*.jsonl), TensorBoard events, trainer_state.json, completions/*.parquet, W&B run "
    "files, trackio databases, metrics as JSON lines or CSV, and captured consoles. "
    'Add RLDKCallback() or report_to="tensorboard" to the training.'
)
_MERELY_BESIDE = 1
"""Authority up to which a file alone makes no run: a console, settings, a summary lie beside folders of runs too."""
_LOG_FOLDERS = ("rldk", "completions", "runs", "logs", "tensorboard")
"""Folders of a run in which logs lie; the Hugging Face Trainer's `runs/<time>_<host>` is one level deeper."""
_TRACKERS_OWN = "media"
"""Where W&B keeps a run's tables and pictures, beside its `wandb-summary.json` and `wandb-metadata.json`."""
_MOST_FILES = 2000


class NoLogError(UserError):
    """There is a folder, but no log in it (yet)."""


def locate(path: Path) -> Path:
    """The run directory a person means: itself, or the newest run of a folder of runs.

    Raises:
        UserError: if the path does not exist, is a file or may not be read.
        NoLogError: if it is empty or holds no log.
    """
    try:
        if not path.exists():
            raise UserError(f"{path} does not exist.", _near(path))
        if not path.is_dir():
            raise UserError(f"{path} is a file, not a run directory.", f"Give the folder it lies in: {path.parent}")
        empty = not any(path.iterdir())
    except OSError as failure:
        raise UserError(f"{str(path)[:200]} cannot be looked at: {failure.strerror}.", "Check its mode and owner.") from failure
    if is_run(path):
        return path
    newest = newest_run(path)
    if newest is not None:
        return newest
    if _has_log(path, PurePath(), _anything):
        return path
    beside = [folder for folder in _folders(path) if _has_log(folder, PurePath(), _anything)]
    if beside:
        return max(beside, key=_last_written)
    if empty:
        raise NoLogError(f"{path} is empty.", _LOOKED_FOR)
    raise NoLogError(f"{path} holds no training log.", _LOOKED_FOR)


def is_run(path: Path) -> bool:
    """Whether the folder itself is a run: a log in it, in a checkpoint of it, or in one of its log folders."""
    if _has_log(path, PurePath(), _runs_own):
        return True
    if _has_log(path, PurePath()):
        return not _holds_runs(path)
    for folder in _folders(path):
        name = folder.name
        if step_of(name) is not None and _has_log(folder, PurePath(name)):
            return True
        if name in _LOG_FOLDERS and (_has_log(folder, PurePath(name)) or any(_is_launch(inner) for inner in _folders(folder))):
            return True
    return False


def _holds_runs(path: Path) -> bool:
    """Whether several folders in it are runs by themselves: then a table beside them is about them."""
    others = (folder for folder in _folders(path) if folder.name not in _LOG_FOLDERS and step_of(folder.name) is None)
    runs = (folder for folder in others if not _is_launch(folder) and is_run(folder))
    return len(list(islice(runs, 2))) == 2


def _is_launch(folder: Path) -> bool:
    """A folder of event files alone, as TensorBoard writers make them: part of a run rather than one."""
    return any("tfevents" in file.name for file in _entries(folder)) and _has_log(folder, PurePath(folder.name))


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


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


def _tells(form: Format) -> bool:
    """Whether a file of this format makes a run."""
    return form.authority > _MERELY_BESIDE


def _runs_own(form: Format) -> bool:
    """Whether such a file lies in a run and nowhere else."""
    return _tells(form) and not form.anybodys


def _anything(_form: Format) -> bool:
    return True


def _has_log(folder: Path, place: PurePath, counts: Callable[[Format], bool] = _tells) -> bool:
    """Whether a log lies in the folder itself; a folder that cannot be listed holds none that can be read."""
    try:
        with os.scandir(folder) as listing:
            names = [entry.name for entry in islice(listing, _MOST_FILES)]
    except OSError:
        return False
    return any(_is_log(folder / name, place / name, counts) for name in names)


def _is_log(file: Path, place: PurePath, counts: Callable[[Format], bool]) -> bool:
    """Whether a format that counts claims the file."""
    try:
        if not file.is_file():
            return False
        with file.open("rb") as opened:
            form = format_of(place, opened.read(HEAD))
            return form is not None and counts(form)
    except OSError:
        return False


def _folders(path: Path) -> list[Path]:
    """The folders in a folder in which runs may lie; none if it cannot be listed."""
    try:
        with os.scandir(path) as listing:
            names = sorted(entry.name for entry in listing if not entry.name.startswith("."))
    except OSError:
        return []
    skipped = _TRACKERS_OWN if any(name.startswith("wandb-") for name in names) else None
    return [path / name for name in names if name != skipped and (path / name).is_dir()]


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
