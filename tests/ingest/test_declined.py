"""Why nobody reads a file, in words."""

from __future__ import annotations

import pickle
from pathlib import Path, PurePath

import pytest

from rldk_tui.ingest import Follower, why_declined


@pytest.mark.parametrize(
    ("name", "head", "said"),
    [
        ("x.jsonl", b"", "empty"),
        ("x.json", pickle.dumps({}), "pickle"),
        ("model.zip", b"PK\x03\x04" + bytes(60), "ZIP"),
        ("events.out.tfevents.1.h", b"garbage" * 10, "damaged"),
        ("x.bin.tmp", b"\0\1\2", "binary"),
        ("scores.jsonl", b'{"prompt": "Q", "score": 1}\n', "data set"),
        ("alerts.jsonl", b'{"severity": "warning", "message": "x"}\n', "messages"),
        ("metrics.jsonl", b'{"ts": 1.0, "latency_s": 2.0}\n', "server"),
        ("results.json", b'{"rho": 0.7}', "without a step"),
        ("notes.txt", b"To be or not to be", "no row"),
    ],
)
def test_the_reason_is_told(name: str, head: bytes, said: str) -> None:
    assert said in why_declined(PurePath(name), head)


def test_an_empty_log_is_a_problem_until_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "metrics.jsonl"
    log.touch()
    follower = Follower(tmp_path)
    assert [problem.message for problem in follower.poll().problems] == ["it is empty"]
    log.write_text('{"step": 1, "loss": 0.5}\n')
    assert follower.poll().problems == ()


def test_files_that_promise_no_log_are_passed_over_in_silence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("To be or not to be")
    (tmp_path / "model.safetensors").write_bytes(bytes(100))
    assert Follower(tmp_path).poll().problems == ()
