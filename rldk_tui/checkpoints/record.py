"""Checkpoints analysed into a run's log: what the training callback's child process does, and `rldk checkpoints --record`.

What is measured goes to `<RUN>/rldk/events-checkpoints.jsonl`, a log that no process of the training signed: its rows join
the launch that reached their steps. What later checkpoints are compared with goes to `<RUN>/rldk/checkpoints/`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from rldk_tui.checkpoints.analysis import CheckpointAnalysis
from rldk_tui.checkpoints.analyzer import CheckpointAnalyzer
from rldk_tui.checkpoints.folder import checkpoints_of, step_of
from rldk_tui.checkpoints.measured import events_of
from rldk_tui.checkpoints.reference import References
from rldk_tui.errors import UserError
from rldk_tui.events import SUBFOLDER, Measured, decode_line
from rldk_tui.events.writer import EventWriter

LOG = "events-checkpoints.jsonl"
_LARGEST_LOG = 64 * 1024 * 1024


def record_checkpoints(
    run: Path, paths: Sequence[Path] = (), *, base: Path | None = None, into: Path | None = None, **how: Any
) -> tuple[list[CheckpointAnalysis], Path]:
    """Analyse checkpoints of a run and append what was measured to its log.

    Args:
        run: The run directory.
        paths: The checkpoints, in the order of their steps; by default all that are there and not yet recorded as they are.
        base: The model that the run began from, to compare with.
        into: A folder that takes what would be written into the run directory, for one that is read-only; what is kept there
            of earlier checkpoints is copied first.
        how: As for `CheckpointAnalyzer`.

    Returns:
        The analyses, and the log's path.

    Raises:
        UserError: if there is no such run or checkpoint, or a checkpoint's step is not known.
        OSError: if the log or the references cannot be written.
    """
    if not run.is_dir():
        raise UserError(f"{run} is no run directory.", "Name the folder that the trainer writes its checkpoints to.")
    keeper = run if into is None else into
    if into is not None:
        References.of_run(run).copy_to(References.of_run(into))
    log = keeper / SUBFOLDER / LOG
    analyzer = CheckpointAnalyzer(keeper, **how)
    if base is not None and 0 not in References.of_run(keeper).steps():
        analyzer.analyze_checkpoint(base, 0)
    analyses = []
    with EventWriter(log) as writer:
        for path in paths or _not_recorded(run, log):
            saved_at = _saved_at(path)
            analysis = analyzer.analyze_checkpoint(path)
            if analysis.problems and not path.exists():
                continue  # rotated away while it was read: that is no fault of it
            if analysis.step is None:
                raise UserError(f"The step of {path} is not known.", "Its folder is to be named checkpoint-<step>.")
            for event in events_of(analysis, saved_at):
                if not writer.append(event):
                    raise OSError(f"{log} cannot be written: {writer.problem}")
            analyses.append(analysis)
    return analyses, log


def _not_recorded(run: Path, log: Path) -> Iterable[Path]:
    known = set(_recorded(log))
    return [path for path in checkpoints_of(run) if (step_of(path.name), _saved_at(path)) not in known]


def _recorded(log: Path) -> Iterable[tuple[int, float]]:
    """Step and time of what the log holds."""
    try:
        if log.stat().st_size > _LARGEST_LOG:
            return
        lines = log.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            event = decode_line(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        if isinstance(event, Measured):
            yield event.step, event.time


def _saved_at(path: Path) -> float:
    """When the newest file of a checkpoint was written, Unix seconds to the millisecond; now if there is none.

    It stands for the moment in the run that is told of: the analysis itself is no sign of life.
    """
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.is_file()] if path.is_dir() else []
    return round(max((file.stat().st_mtime for file in files), default=time.time()), 3)
