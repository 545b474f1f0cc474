"""Before a report is made, the run's checkpoints that nobody analysed yet are: in a process of its own, and not for long."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from rldk_tui.analysis.saved_checkpoints import SavedCheckpoint
from rldk_tui.charts.format import count, duration, size
from rldk_tui.events import SUBFOLDER, Event, Origin, RunState, decode_line
from rldk_tui.readers.rldk_jsonl import FORMAT
from rldk_tui.report.stages import SILENT, Stages
from rldk_tui.session import RunHealth, RunSession
from rldk_tui.system.own_command import last_words, own_command, without_devices

LARGEST = 16 * 1024**3
"""Bytes of checkpoints that a report waits for: half a minute on a slow machine."""
LONGEST = 120.0
"""Seconds after which it waits no longer."""
_GRACE = 3.0
_LOG = "events-checkpoints.jsonl"
_WEIGHTS = frozenset({".safetensors", ".bin", ".pt", ".pth", ".distcp"})
_OVER = frozenset({RunState.FINISHED, RunState.DIED, RunState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Analysed:
    """The run after its checkpoints were analysed.

    Attributes:
        health: Of the run.
        remark: Why some were not; None if all were.
    """

    health: RunHealth
    remark: str | None


def with_checkpoints(
    session: RunSession,
    *,
    elsewhere: bool = False,
    largest: int = LARGEST,
    longest: float = LONGEST,
    stages: Stages = SILENT,
) -> Analysed:
    """The run's health, its checkpoints analysed as far as that does not take long.

    Args:
        session: The run, not polled yet.
        elsewhere: Whether nothing may be written into the run directory; one that is read-only is left alone in any case.
        largest: Bytes of checkpoints that are analysed at most.
        longest: Seconds that are waited.
        stages: Shows what is done.
    """
    stages.begin("Reading the run")
    health = session.poll(far=stages.far)
    waiting = _with_weights(health)
    if not waiting:
        return Analysed(health, None)
    run = session.directory
    what = f"{count(len(waiting))} checkpoint{'s' * (len(waiting) > 1)} ({size(sum(row.size or 0 for row in waiting))})"
    if sum(row.size or 0 for row in waiting) > largest:
        return Analysed(health, f"{what} not analysed: a report waits for {size(largest)} at most. {_how(run)}")
    stages.begin(f"Analysing {what}")
    paths = [run.absolute() / (row.path or "") for row in waiting]
    if not elsewhere and _writable(run):
        problem = _record(run, paths, None, longest)
    else:
        with tempfile.TemporaryDirectory(prefix="rldk-") as folder:
            problem = _record(run, paths, Path(folder), longest)
            session.take(_events(Path(folder) / SUBFOLDER / _LOG), _origin())
    return Analysed(session.poll(), None if problem is None else f"{what} not analysed: {problem} {_how(run)}")


def _how(run: Path) -> str:
    return f"By hand: rldk checkpoints --record {run}"


def _with_weights(health: RunHealth) -> list[SavedCheckpoint]:
    """Those that could be analysed: a copy of a run without its weights has folders with a state alone."""
    found = []
    for row in health.checkpoints().to_analyse(over=health.snapshot.state in _OVER):
        with contextlib.suppress(OSError):
            if any(entry.suffix in _WEIGHTS for entry in (health.directory / (row.path or "")).iterdir()):
                found.append(row)
    return found


def _writable(run: Path) -> bool:
    folder = run / SUBFOLDER
    return os.access(folder if folder.is_dir() else run, os.W_OK | os.X_OK)


def _record(run: Path, paths: Sequence[Path], into: Path | None, longest: float) -> str | None:
    """Have them measured; why that failed, or None."""
    elsewhere = [] if into is None else ["--into", str(into)]
    command = own_command("checkpoints", "--record", str(run.absolute()), *elsewhere, "--", *map(str, paths))
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=without_devices(),
        text=True,
        errors="replace",
    )
    try:
        _, complaint = child.communicate(timeout=longest)
    except subprocess.TimeoutExpired:
        return f"it takes longer than the {duration(longest)} that a report waits."
    finally:
        _end(child)
    return None if child.returncode in (0, 1) else f"{last_words(complaint, child.returncode).rstrip('.')}."


def _end(child: subprocess.Popen[str]) -> None:
    """An interrupt, as from the keyboard, lets it delete what it has half written."""
    if child.poll() is not None:
        return
    child.send_signal(signal.SIGINT)
    try:
        child.communicate(timeout=_GRACE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()


def _origin() -> Origin:
    return Origin(source=f"{SUBFOLDER}/{_LOG}", format=FORMAT.name, authority=FORMAT.authority)


def _events(log: Path) -> Iterator[Event]:
    try:
        lines = log.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
            event = decode_line(line)
            if event is not None:
                yield event
