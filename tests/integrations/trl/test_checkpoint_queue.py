"""Checkpoints wait in a process that outlives the training; real processes, with a stand-in for the analysis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil

from rldk_tui.events import ExtractionError
from rldk_tui.integrations.trl.checkpoint_queue import LOG, MOST_WAITING
from rldk_tui.integrations.trl.checkpoints import CheckpointAnalysis
from tests.integrations.trl.conftest import EventLog

_ANALYSIS = """
import sys, time
from pathlib import Path
run, folder = Path(sys.argv[1]), Path(sys.argv[2])
print(folder.name, "begun", file=(run / "said").open("a"))
while not (run / "go").exists():
    time.sleep(0.01)
print(folder.name, "done", file=(run / "said").open("a"))
sys.exit(int((run / "go").read_text()))
"""


def within(seconds: float, is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Analyses:
    """A part with the stand-in, and what it did."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.said_by_border: list[str] = []
        self.part = CheckpointAnalysis([sys.executable, "-c", _ANALYSIS, str(run)])
        training: Any = SimpleNamespace(run_directory=run, border=SimpleNamespace(say=self.said_by_border.append))
        self.part.begin(training)

    def save(self, *steps: int) -> None:
        for step in steps:
            folder = self.run / f"checkpoint-{step}"
            folder.mkdir()
            self.part.saved(step, folder)

    def may_end(self, status: int = 0) -> None:
        (self.run / "coming").write_text(str(status))
        (self.run / "coming").rename(self.run / "go")

    @property
    def said(self) -> list[str]:
        said = self.run / "said"
        return said.read_text().splitlines() if said.exists() else []

    @property
    def told(self) -> list[str]:
        log = self.run / "rldk" / LOG
        return [error.message for error in EventLog(log).of(ExtractionError)] if log.exists() else []


def queues_of(run: Path) -> list[psutil.Process]:
    """The processes at work for a run, the queue and its analysis."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(run) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_they_are_analysed_one_at_a_time_at_lowest_priority_and_outlive_the_training(tmp_path: Path) -> None:
    analyses = Analyses(tmp_path)
    analyses.save(1, 2)
    within(20, lambda: analyses.said)
    time.sleep(0.2)
    assert analyses.said == ["checkpoint-1 begun"]
    assert {process.nice() for process in queues_of(tmp_path)} == {19}
    analyses.part.ended(2)
    analyses.save(3)  # as PPO does
    analyses.may_end()
    within(20, lambda: len(analyses.said) == 6 and not queues_of(tmp_path))
    assert analyses.said == [f"checkpoint-{step} {what}" for step in (1, 2, 3) for what in ("begun", "done")]
    assert analyses.said_by_border == analyses.told == []


def test_of_more_than_can_wait_the_newest_are_kept_and_the_rest_is_told(tmp_path: Path) -> None:
    analyses = Analyses(tmp_path)
    analyses.save(1)
    within(20, lambda: analyses.said)
    analyses.save(*range(2, 4 + MOST_WAITING))
    (tmp_path / f"checkpoint-{3 + MOST_WAITING}").rmdir()  # rotated away
    analyses.part.close()
    analyses.may_end()
    within(20, lambda: not queues_of(tmp_path))
    done = [line.split()[0] for line in analyses.said if line.endswith("done")]
    assert done == ["checkpoint-1", *(f"checkpoint-{step}" for step in range(4, 3 + MOST_WAITING))]
    assert [message.split(":")[0] for message in analyses.told] == [
        f"the checkpoint of step {step} was not analysed" for step in (2, 3, 3 + MOST_WAITING)
    ]
    assert "removed before its turn" in analyses.told[-1]


def test_an_analysis_that_fails_is_told_and_one_that_finds_issues_is_not(tmp_path: Path) -> None:
    for status in (1, 2):
        run = tmp_path / str(status)
        run.mkdir()
        analyses = Analyses(run)
        analyses.may_end(status)
        analyses.save(1)
        analyses.part.close()
        within(20, lambda: analyses.said[1:] and not queues_of(run))  # noqa: B023 - asked before the next
        assert len(analyses.told) == status - 1


def test_sigterm_ends_the_queue_and_the_analysis_in_hand(tmp_path: Path) -> None:
    analyses = Analyses(tmp_path)
    analyses.save(1)
    within(20, lambda: analyses.said)
    queue = next(process for process in queues_of(tmp_path) if "checkpoint_queue" in " ".join(process.cmdline()))
    queue.send_signal(signal.SIGTERM)
    within(20, lambda: not queues_of(tmp_path))
    analyses.may_end()
    analyses.save(2)
    assert "started anew" in analyses.said_by_border[0]
    analyses.part.close()
    within(20, lambda: "checkpoint-2 done" in analyses.said)


_TRAINING = """
import sys, time
from pathlib import Path
from tests.integrations.trl.test_checkpoint_queue import Analyses
analyses = Analyses(Path(sys.argv[1]))
analyses.save(1, 2)
time.sleep(1000)
"""


def test_the_last_checkpoint_of_a_killed_training_is_analysed_all_the_same(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    training = subprocess.Popen(
        [sys.executable, "-c", _TRAINING, str(tmp_path)], cwd=root, env={**os.environ, "PYTHONPATH": "."}
    )
    analyses = Analyses(tmp_path)
    within(30, lambda: analyses.said)
    training.kill()
    training.wait()
    analyses.may_end()
    within(20, lambda: "checkpoint-2 done" in analyses.said and not queues_of(tmp_path))
