"""Whatever lies in a run directory: one problem each, and the rest of the run is shown."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest

from rldk_tui.events import Metrics
from rldk_tui.ingest import Batch, Follower
from rldk_tui.ingest.declined import NEVER_OPENED
from tests.conftest import SAMPLE_RUNS

FIXTURES = Path(__file__).parents[1] / "readers" / "fixtures"
WANDB = next(FIXTURES.rglob("*.wandb")).read_bytes()
TFEVENTS = next((SAMPLE_RUNS / "grpo-stock").rglob("*tfevents*")).read_bytes()
DATABASE = (FIXTURES / "database-of-trackio" / "project.db").read_bytes()
ARRAYS = (FIXTURES / "monitor-of-sb3" / "evaluations.npz").read_bytes()
GENERATIONS = (SAMPLE_RUNS / "grpo-reward-collapse" / "completions" / "completions_00010.parquet").read_bytes()
PICKLE = pickle.dumps({"log_history": []})


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def lines(*rows: object) -> bytes:
    return b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)


def nested(depth: int) -> bytes:
    return b'{"step": 2, "x":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"


FIRST, LAST = {"step": 1, "loss": 0.5}, {"step": 3, "loss": 0.4}
CASES: dict[str, tuple[str, bytes, int, str]] = {
    "pickle as a state": ("trainer_state.json", PICKLE, 0, "pickle"),
    "pickle as a log": ("metrics.jsonl", PICKLE, 0, "pickle"),
    "nothing in a W&B file": ("run-x.wandb", b"", 0, "empty"),
    "nothing in an event file": ("events.out.tfevents.1.h", b"", 0, "empty"),
    "nothing in a table": ("progress.csv", b"", 0, "empty"),
    "nothing in a table of generations": ("completions_00001.parquet", b"", 0, "empty"),
    "nothing in a database": ("project.db", b"", 0, "empty"),
    "a table of generations of damaged lengths": ("completions_00010.parquet", flipped(GENERATIONS, 36), 0, "damaged"),
    "an event file's header": ("events.out.tfevents.1.h", TFEVENTS[:40], 0, "not whole"),
    "an event file's first event": ("events.out.tfevents.1.h", TFEVENTS[:88], 0, ""),
    "a W&B file's header": ("run-x.wandb", WANDB[:7], 0, "nothing is logged"),
    "an event file cut mid-record": ("events.out.tfevents.1.h", TFEVENTS[:20_000], 1, "not whole"),
    "a W&B file cut mid-record": ("run-x.wandb", WANDB[:20_000], 12, "not whole"),
    "a W&B file with a flipped bit": ("run-x.wandb", flipped(WANDB, 20_000), 19, "checksum"),
    "an event file with a flipped bit": ("events.out.tfevents.1.h", flipped(TFEVENTS, 20_000), 1, "checksum"),
    "no event file": ("events.out.tfevents.1.h", b"x" * 100, 0, "damaged"),
    "a line of 40 MB": ("metrics.jsonl", lines(FIRST, b'{"step": 2, "x": "' + b"a" * 40_000_000 + b'"}', LAST), 2, "skipped"),
    "a line of 40 MB without an end": ("metrics.jsonl", lines(FIRST) + b"a" * 40_000_000, 1, "not whole"),
    "100,000 keys": ("metrics.jsonl", lines(FIRST, {"step": 2, **dict.fromkeys(map(str, range(100_000)), 1)}, LAST), 3, "2000"),
    "nested 10,000 deep": ("metrics.jsonl", lines(FIRST, nested(10_000), LAST), 2, "not JSON"),
    "an array nested too deep": ("rows.json", b"[" + json.dumps(FIRST).encode() + b"," + nested(10_000) + b"]", 1, "cut off"),
    "a number of 400 digits": ("metrics.jsonl", lines(FIRST, b'{"step": 2, "loss": ' + b"9" * 400 + b"}"), 2, ""),
    "steps that cannot be": ("metrics.jsonl", lines(FIRST, {"step": -1, "loss": 1}, {"step": 10**30, "loss": 1}), 1, "no step"),
    "arrays cut off": ("evaluations.npz", ARRAYS[:9000], 0, "could not be read"),
    "a database cut off": ("project.db", DATABASE[:9000], 0, "could not be read"),
    "a table with ragged rows": ("log.csv", b"step,loss\n1,0.5\n<<<<<<< HEAD\n2\n3,0.4\n", 2, "cells"),
}


def rows_of(batch: Batch) -> int:
    steps = set()
    for read, _ in batch.events:
        rows = [read] if isinstance(read, Metrics) else read.events() if hasattr(read, "events") else []
        steps |= {row.step for row in rows if isinstance(row, Metrics)}
    return len(steps)


@pytest.mark.parametrize("case", CASES)
def test_a_bad_file_is_one_problem_and_what_can_be_read_of_it_is(tmp_path: Path, case: str) -> None:
    name, data, least, said = CASES[case]
    (tmp_path / name).write_bytes(data)
    batch = Follower(tmp_path).poll()
    assert rows_of(batch) >= least
    if least == 0:
        assert rows_of(batch) == 0
    if said:
        assert len(batch.problems) == 1
        assert said in batch.problems[0].message


@pytest.mark.parametrize("case", CASES)
def test_the_rest_of_the_run_is_shown(tmp_path: Path, case: str) -> None:
    name, data, _, _ = CASES[case]
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "metrics.jsonl").write_bytes(lines(*({"step": step, "loss": 1.0} for step in range(100, 150))))
    (tmp_path / name).write_bytes(data)
    assert rows_of(Follower(tmp_path).poll()) >= 50


def test_links_in_a_circle_pipes_and_devices_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_bytes(lines(FIRST, LAST))
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "self.jsonl").symlink_to(tmp_path / "self.jsonl")
    (tmp_path / "zeros.log").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.jsonl")
    os.mkfifo(tmp_path / "pipe")
    batch = Follower(tmp_path).poll()
    assert rows_of(batch) == 2
    assert {problem.source: problem.message for problem in batch.problems if "pipe" in problem.source} == {
        "pipe.jsonl": NEVER_OPENED
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_that_may_not_be_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_bytes(lines(FIRST))
    (tmp_path / "other.jsonl").write_bytes(lines(FIRST))
    (tmp_path / "other.jsonl").chmod(0)
    batch = Follower(tmp_path).poll()
    assert len(batch.problems) == 1
