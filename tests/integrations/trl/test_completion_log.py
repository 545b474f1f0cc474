"""Generations are written beside the training, within the budget, and what is not written is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from rldk_tui.events import SCHEMA_VERSION, Completions, ExtractionError, Phase, RunStarted
from rldk_tui.integrations.trl.border import Border
from rldk_tui.integrations.trl.completion_log import Budget, CompletionLog
from rldk_tui.integrations.trl.completion_rows import Batch, Bounds
from rldk_tui.integrations.trl.part import Training
from rldk_tui.integrations.trl.recorder import Recorder
from tests.integrations.trl.conftest import log_of


def training(run: Path, max_steps: int = 100) -> Training:
    """A training that has begun; only what a log of generations looks at is there."""
    told: list[Recorder] = []
    border = Border(lambda message: told[0].failure(message))
    told.append(Recorder(run, 0, border))
    told[0].start(RunStarted(time=1.0, schema_version=SCHEMA_VERSION, run_id="run"))
    known: dict[str, Any] = {
        "state": SimpleNamespace(max_steps=max_steps),
        "run_directory": run,
        "recorder": told[0],
        "border": border,
    }
    unused: dict[str, Any] = dict.fromkeys(item.name for item in fields(Training) if item.name not in known)
    return Training(**unused, **known)


def a_log(of: Training, *, every: int = 1, most_bytes: int = 10**9) -> CompletionLog:
    return CompletionLog(of, Bounds(), every=every, most_bytes=most_bytes, with_text=True)


def batch(step: int, size: int = 100) -> Callable[[], Batch]:
    return lambda: Batch(time=1.0, step=step, phase=Phase.TRAIN, prompts=["p"], completions=["x" * size])


def messages(run: Path) -> list[str]:
    return [event.message for event in log_of(run).of(ExtractionError)]


def test_what_waits_is_written_before_it_is_closed(tmp_path: Path) -> None:
    log = a_log(training(tmp_path))
    for step in (1, 2, 3):
        log.offer(batch(step))
    log.close()
    log.close()
    assert [event.step for event in log_of(tmp_path).of(Completions)] == [1, 2, 3]
    assert messages(tmp_path) == []


def test_a_disk_that_is_too_slow_holds_up_nobody_and_what_is_dropped_is_counted(tmp_path: Path) -> None:
    log, slow = a_log(training(tmp_path)), threading.Event()

    def waiting() -> Batch:
        slow.wait(20)
        return batch(1)()

    for _ in range(40):
        log.offer(waiting)
    slow.set()
    log.close()
    kept = len(log_of(tmp_path).of(Completions))
    first, last = messages(tmp_path)
    assert "faster than they could be written" in first
    assert f"{40 - kept} batches in all" in last
    assert kept == 16


def test_a_batch_that_cannot_be_read_is_told_and_the_next_is_written(tmp_path: Path) -> None:
    log = a_log(training(tmp_path))

    def broken() -> Batch:
        raise KeyError("advantages")

    log.offer(broken)
    log.offer(batch(2))
    log.close()
    assert [event.step for event in log_of(tmp_path).of(Completions)] == [2]
    assert ["could not record generations" in text for text in messages(tmp_path)] == [True]


def test_a_resumed_run_keeps_the_budget_of_the_run(tmp_path: Path) -> None:
    for step in (1, 2):
        log = a_log(training(tmp_path), most_bytes=400)
        log.offer(batch(step, 200))
        log.close()
    assert [event.step for event in log_of(tmp_path).of(Completions)] == [1]
    assert any("1 did not fit" in text for text in messages(tmp_path))


@example(sizes=[1845, 100], steps=236, most=50_000)  # every other step is asked for: always the larger
@given(
    sizes=st.lists(st.integers(100, 5000), min_size=1, max_size=8),
    steps=st.integers(1, 3000),
    most=st.integers(50_000, 500_000),
)
def test_the_budget_lasts_to_the_end_and_is_never_passed(sizes: list[int], steps: int, most: int) -> None:
    budget, kept = Budget(most), []
    stride = 1
    for step in range(1, steps + 1):
        size = sizes[step % len(sizes)]
        if step % stride == 0 and budget.fits(size):
            budget.spend(size)
            kept.append(step)
            stride = budget.stride(steps - step)
    assert budget.used <= most
    assert kept[-1] > steps * 0.8
    if sum(sizes[step % len(sizes)] for step in range(1, steps + 1)) <= most / 8:
        assert len(kept) == steps


def test_a_training_of_unknown_length_keeps_recording(tmp_path: Path) -> None:
    budget, kept, stride = Budget(100_000), 0, 1
    for step in range(1, 20_000):
        if step % stride == 0 and budget.fits(100):
            budget.spend(100)
            kept = step
        stride = budget.stride(None)
    assert kept > 5000
