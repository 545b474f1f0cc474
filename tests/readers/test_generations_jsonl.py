"""Generations as JSON lines, as frameworks and people write them."""

from __future__ import annotations

import json
import math
from pathlib import PurePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.events import Completions, Phase, ReadProblem
from rldk_tui.readers import HEAD, decode_safely, flush_safely, format_of, generations_jsonl

VERL = {"input": "user\nTwo and two?", "output": "Four", "gts": "4", "score": 1.0, "step": 120, "acc": True}
NAMES = st.sampled_from(["prompt", "completion", "response", "reward", "score", "step", "length", "phase", "advantage", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "text"]), inner),
    max_leaves=4,
)


def lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def read(
    data: bytes, name: str = "rollouts.jsonl", cuts: list[int] | None = None
) -> tuple[list[Completions], list[ReadProblem]]:
    """The last word on each step, and the problems; fed in pieces that end at the cuts."""
    path = PurePath(name)
    decoder = generations_jsonl.FORMAT.decoder(path)
    ends = [*sorted(cuts or []), len(data)]
    reads = []
    for begin, end in zip([0, *ends], ends, strict=False):
        reads += [*decode_safely(decoder, data[begin:end], path), *flush_safely(decoder, path)]
    last = {(read.step, read.phase): read for read in reads if isinstance(read, Completions)}
    return [last[key] for key in sorted(last)], [read for read in reads if isinstance(read, ReadProblem)]


def test_what_verl_dumps() -> None:
    (event,), problems = read(lines(VERL, VERL | {"output": "Five", "score": 0.0}), "rollout/120.jsonl")
    assert (event.step, event.phase, problems) == (120, Phase.TRAIN, [])
    assert [(row.prompt, row.completion, row.rewards) for row in event.rows] == [
        ("user\nTwo and two?", "Four", {"score": 1.0}),
        ("user\nTwo and two?", "Five", {"score": 0.0}),
    ]


def test_what_ms_swift_writes_is_one_log_a_line() -> None:
    turns = [{"role": "user", "content": "hi"}]
    log = {"step": ["3", "3"], "prompt": [turns, turns], "completion": ["a", "b"], "accuracy_reward": [1.0, None]}
    (event,), _ = read(lines(log))
    assert [(row.prompt, row.completion, row.rewards) for row in event.rows] == [
        ("user: hi", "a", {"accuracy_reward": 1.0}),
        ("user: hi", "b", {"accuracy_reward": None}),
    ]


def test_peoples_own_with_everything_odd() -> None:
    row = {"prompt": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "what?"}]}], "step": "3/200"}
    data = lines(
        row | {"response": "", "reward": "0.5", "finish_reason": "length", "length": 7},
        row | {"response": "x", "reward": math.nan, "split": "eval"},
        row | {"response": "y", "reward": {"right": math.inf, "short": None}},
    )
    (evaluation, train), problems = read(data + b'{"prompt": "\xff", "completion": "\xfe", "step": 3}\n[1]\n')
    assert [problem.message for problem in problems] == ["a line tells of no generation"]
    assert (evaluation.phase, train.step, len(train.rows)) == (Phase.EVAL, 3, 3)
    first, parts, broken = train.rows
    assert (first.prompt, first.completion, first.truncated, first.length) == ("user: [image]what?", "", True, 7)
    assert (first.rewards, parts.rewards) == ({"reward": 0.5}, {"right": math.inf, "short": None})
    assert (broken.prompt, broken.rewards) == ("\ufffd", {})


@pytest.mark.parametrize(
    ("name", "first", "claimed"),
    [
        ("120.jsonl", VERL, True),
        ("dump.jsonl", {"prompt": "p" * 9000, "completion": "c", "step": 1}, False),
        ("step_12.jsonl", {"prompt": "p" * 9000, "completion": "c", "step": 1}, True),
        ("long.jsonl", {"step": 1, "prompt": "p", "completion": "c" * 9000}, True),
        ("train.jsonl", {"prompt": "p", "completion": "c"}, False),
        ("ultrafeedback.jsonl", {"prompt": "p", "response": "c", "score": 4.5}, False),
        ("alpaca.jsonl", {"instruction": "p", "input": "", "output": "c"}, False),
        ("logging.jsonl", {"loss": 1.0, "step": 3}, False),
        ("events.jsonl", {"type": "completions", "step": 3, "prompt": "p", "completion": "c"}, False),
    ],
)
def test_generations_are_told_from_data_sets_and_logs(name: str, first: dict[str, Any], *, claimed: bool) -> None:
    form = format_of(PurePath(name), lines(first, first)[:HEAD])
    assert (form is generations_jsonl.FORMAT) is claimed


@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=6), max_size=12), st.lists(st.integers(0, 900), max_size=4))
def test_a_file_that_grows_says_what_the_whole_file_says(rows: list[dict[str, Any]], cuts: list[int]) -> None:
    data = lines(*rows)
    whole, problems = read(data)
    grown, _ = read(data, cuts=[min(cut, len(data)) for cut in cuts])
    assert repr(grown) == repr(whole)
    assert len(problems) <= len(rows)


@given(st.binary(max_size=300))
def test_garbage_is_problems(data: bytes) -> None:
    found, problems = read(b'{"prompt": "p", "output": "o", "step": 1}\n' + data)
    assert found
    assert not any("could not be read" in problem.message for problem in problems)
