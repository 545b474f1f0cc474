"""One door, one value: offline is live, fast-forwarded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

import rldk_tui
from rldk_tui.errors import UserError
from rldk_tui.events import RunState
from rldk_tui.replay import Replay
from rldk_tui.session import RunHealth, RunSession
from tests.conftest import SAMPLE_RUNS
from tests.growth import grow

RUNS = sorted(run.name for run in SAMPLE_RUNS.iterdir() if (run / "expected_findings.toml").is_file())
NOW = 2_000_000_000.0


def offline(run: Path) -> RunHealth:
    return RunSession(run, clock=lambda: NOW).poll()


def told(health: RunHealth, but: str | None = None) -> list[str]:
    """The findings as text: evidence may hold NaN, which equals nothing."""
    return [repr(finding) for finding in health.findings if finding.rule != but]


def same(live: RunHealth, whole: RunHealth) -> None:
    assert told(live) == told(whole)
    assert live.not_evaluated == whole.not_evaluated
    assert live.score == whole.score
    assert live.snapshot.state == whole.snapshot.state
    assert live.snapshot.step == whole.snapshot.step
    assert [event.step for event in live.snapshot.completions] == [event.step for event in whole.snapshot.completions]
    assert set(live.snapshot.metric_names()) == set(whole.snapshot.metric_names())
    for name in whole.snapshot.metric_names():
        ours, theirs = live.snapshot.series(name), whole.snapshot.series(name)
        np.testing.assert_array_equal(ours.steps, theirs.steps)
        np.testing.assert_array_equal(ours.values, theirs.values)


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("seed", [1, 2])
def test_watching_a_run_grow_ends_where_reading_it_whole_does(name: str, seed: int, tmp_path: Path) -> None:
    target = tmp_path / name
    live: RunHealth | None = None
    session = RunSession(target, clock=lambda: NOW)
    for _ in grow(SAMPLE_RUNS / name, target, looks=25, seed=seed):
        live = session.poll()
    assert live is not None
    same(live, offline(target))


def test_a_long_run_is_shown_before_all_of_it_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    run = SAMPLE_RUNS / "grpo-collapsed"
    whole = offline(run)
    monkeypatch.setattr("rldk_tui.ingest.tail._PIECE", 10_000)
    monkeypatch.setattr("rldk_tui.session.FIRST_PIECE", 10_000)
    monkeypatch.setattr("rldk_tui.session.PIECE", 20_000)
    monkeypatch.setattr("rldk_tui.session.MANY_ROWS", 10)
    session = RunSession(run, clock=lambda: NOW)
    looks = [session.poll(whole=False)]
    while looks[-1].more:
        looks.append(session.poll(whole=False))
    first, *shown, last = looks
    rows = [sum(len(segment.rows) for segment in health.snapshot.segments) for health in looks]
    assert (first.unjudged, last.unjudged) == (0, 0)
    assert [health.unjudged for health in shown] == [held - rows[0] for held in rows[1:-1]]
    assert rows[-2] == rows[-1] > rows[1] > rows[0], "all is shown before the rest is judged"
    assert all(told(health) == told(first) for health in shown)
    same(last, whole)


LABELLED = Path(__file__).parents[2] / "shared" / "benchmark" / "runs"
labelled = pytest.mark.skipif(not LABELLED.is_dir(), reason="the labelled runs are not on this machine")


@labelled
@pytest.mark.parametrize("run", sorted(LABELLED.glob("run-*")), ids=lambda run: run.name)
def test_a_labelled_run_watched_while_it_grew_is_judged_as_one_read_whole(run: Path, tmp_path: Path) -> None:
    target = tmp_path / run.name
    live: RunHealth | None = None
    session = RunSession(target, clock=lambda: NOW)
    for _ in grow(run, target, looks=12, seed=int(run.name[-3:])):
        live = session.poll()
    assert live is not None
    same(live, offline(target))


@pytest.mark.parametrize("name", RUNS)
def test_a_replay_ends_where_reading_the_run_whole_does(name: str) -> None:
    now = 0.0
    replay = Replay(SAMPLE_RUNS / name, 20.0, clock=lambda: now)
    states = set()
    health = replay.poll()
    first = health.snapshot.step or 0
    for now in np.linspace(0.0, 10_000.0, 400):  # noqa: B007 - the replay's clock reads it
        health = replay.poll()
        states.add(health.snapshot.state)
    whole = offline(SAMPLE_RUNS / name)
    # how long ago a run died is told from another now
    assert told(health, but="run-died") == told(whole, but="run-died")
    assert health.snapshot.state == whole.snapshot.state
    assert health.snapshot.step == whole.snapshot.step
    assert first < (whole.snapshot.step or 0)
    assert (RunState.DIED in states) == (whole.snapshot.state is RunState.DIED)


def test_a_notebook_gets_the_same_value() -> None:
    assert rldk_tui.open_run(SAMPLE_RUNS / "grpo-collapsed").findings == offline(SAMPLE_RUNS / "grpo-collapsed").findings


def test_a_folder_without_a_log_yet_is_a_run_of_which_nothing_is_known(tmp_path: Path) -> None:
    session = RunSession(tmp_path, clock=lambda: NOW)
    waiting = session.poll()
    assert waiting.snapshot.state is RunState.WAITING
    assert waiting.score.grade == "not graded"
    shutil.copytree(SAMPLE_RUNS / "grpo-healthy", tmp_path, dirs_exist_ok=True)
    assert session.poll().snapshot.state is RunState.FINISHED


def test_a_killed_run_is_told_by_its_process(tmp_path: Path) -> None:
    done = subprocess.Popen([sys.executable, "-c", "pass"])
    done.wait()
    log = tmp_path / "rldk" / "events-rank00000.jsonl"
    log.parent.mkdir()
    lines = (SAMPLE_RUNS / "grpo-healthy" / "rldk" / "events-rank00000.jsonl").read_bytes().splitlines(keepends=True)
    host = os.uname().nodename
    first = json.loads(lines[0])
    first.update(host=host, pid=done.pid)
    log.write_bytes(json.dumps(first).encode() + b"\n" + b"".join(lines[1:100]))
    health = RunSession(tmp_path, clock=lambda: first["time"] + 10).poll()
    assert health.snapshot.state is RunState.DIED


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make a file that another user may not read")
def test_an_unreadable_checkpoint_is_a_problem_and_nothing_else_is_lost() -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        shutil.copytree(SAMPLE_RUNS / "grpo-healthy", run)
        weights = run / "checkpoint-60" / "model.safetensors"
        weights.parent.mkdir(exist_ok=True)
        weights.write_bytes(b"x")
        weights.chmod(0o600)
        Path(folder).chmod(0o755)
        code = (
            "import os, sys, polars, encodings.utf_32_le, rldk_tui.session as s;"
            "from rldk_tui.diagnosis.catalogue import load_rules; load_rules();"
            "from rldk_tui.readers import load_formats; load_formats();"
            "os.setgid(65534); os.setuid(65534); h = s.RunSession.open(sys.argv[1]).poll();"
            "print(len(h.snapshot.metric_names()) > 20, *[p.source for p in h.snapshot.problems])"
        )
        done = subprocess.run([sys.executable, "-c", code, str(run)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "checkpoint-60/model.safetensors"]


def test_a_file_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(UserError):
        RunSession.open(tmp_path / "x")
