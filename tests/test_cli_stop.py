"""`rldk stop`: asks only where somebody will read it, and only when it is meant."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from rldk_tui.events.stop_request import waiting_stop_request
from tests.conftest import SAMPLE_RUNS
from tests.watch.runs import RunNow

STOP = [sys.executable, "-m", "rldk_tui.cli", "stop"]


def stop(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*STOP, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def test_a_living_run_is_asked(tmp_path: Path) -> None:
    RunNow("grpo-collapsed", tmp_path).write(0.5)
    done = stop(str(tmp_path), "--yes", "--reason", "lr too high")
    assert (done.returncode, done.stderr) == (0, "")
    request = waiting_stop_request(tmp_path)
    assert request is not None
    assert request.reason == "lr too high"


@pytest.mark.parametrize(
    ("sample", "sentence"),
    [("grpo-collapsed", "finished"), ("grpo-killed", "died"), ("grpo-stock", "")],
)
def test_where_nobody_would_read_it_nothing_is_written(sample: str, sentence: str) -> None:
    done = stop(str(SAMPLE_RUNS / sample), "--yes")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert waiting_stop_request(SAMPLE_RUNS / sample) is None


def test_without_a_terminal_it_is_to_be_confirmed(tmp_path: Path) -> None:
    RunNow("grpo-collapsed", tmp_path).write(0.5)
    done = stop(str(tmp_path))
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert waiting_stop_request(tmp_path) is None


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"\n", 1), (b"no\n", 1)])
def test_at_a_terminal_it_is_asked_whether_it_is_meant(tmp_path: Path, answer: bytes, code: int) -> None:
    RunNow("grpo-collapsed", tmp_path).write(0.5)
    ours, its = pty.openpty()
    asked = subprocess.Popen([*STOP, str(tmp_path)], stdin=its, stdout=its, stderr=its)
    os.close(its)
    seen = b""
    while b"[y/N]" not in seen:
        seen += os.read(ours, 1000)
    os.write(ours, answer)
    assert asked.wait(timeout=30) == code
    os.close(ours)
    assert (waiting_stop_request(tmp_path) is not None) == (code == 0)
