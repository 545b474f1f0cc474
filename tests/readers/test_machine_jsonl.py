"""Machine samples that a user's own callback wrote."""

from __future__ import annotations

import math
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.events import Origin, ReadProblem, System
from rldk_tui.readers.machine_jsonl import FORMAT, MachineDecoder, claims
from rldk_tui.run import RunStore
from tests.builders import a_run, snapshot_of

FILE = Path(__file__).parent / "fixtures" / "own-machine-log" / "system.jsonl"
PATH = PurePath("system.jsonl")


def read(data: bytes) -> list[object]:
    return list(MachineDecoder(PATH).feed(data))


def test_every_line_of_a_real_file_is_a_sample() -> None:
    samples = read(FILE.read_bytes())
    assert len(samples) == 30
    first = samples[0]
    assert isinstance(first, System)
    assert (first.step, first.process_rss) == (1, 400 * 2**20)


@given(st.lists(st.integers(1, 200), max_size=12))
def test_any_chopping_gives_the_same_samples(cuts: list[int]) -> None:
    data, decoder, got = FILE.read_bytes(), MachineDecoder(PATH), list[object]()
    for cut in cuts:
        got.extend(decoder.feed(data[:cut]))
        data = data[cut:]
    got.extend(decoder.feed(data))
    assert got == read(FILE.read_bytes())


@pytest.mark.parametrize(
    "line",
    [
        b'{"step": 3, "loss": 0.2}',
        b'{"rss_mb": 3}',
        b'{"type": "system", "step": 1, "rss_mb": 3}',
        b"[1]",
        b"\xff",
        b'{"step": ',
    ],
)
def test_a_line_of_something_else_is_not_claimed_and_a_problem_in_between(line: bytes) -> None:
    assert not claims(PATH, line + b"\n")
    whole = b'{"step": 1, "rss_mb": 3}\n'
    before, problem, after = read(whole + line + b"\n" + whole)
    assert isinstance(problem, ReadProblem)
    assert before == after
    assert problem.line == 2


def test_what_cannot_be_is_left_out() -> None:
    (sample,) = read(b'{"step": 1, "time": 1e300, "rss_mb": 1, "gpu_allocated_mb": -4, "gpu_reserved_mb": "much"}\n')
    assert isinstance(sample, System)
    assert math.isnan(sample.time)
    assert (sample.process_rss, sample.torch_allocated, sample.torch_reserved) == (2**20, None, None)


def test_the_samples_stand_beside_the_log_of_their_steps() -> None:
    store = RunStore("run")
    origin = Origin(source="system.jsonl", format=FORMAT.name, authority=FORMAT.authority)
    for event, where in a_run().with_metric("loss", [1.0, 0.9, 0.8]).events():
        store.add(event, where)
    for line in read(FILE.read_bytes())[:3]:
        assert isinstance(line, System)
        store.add(line, origin)
    series = snapshot_of(store).series("system/process_rss")
    assert series.steps.tolist() == [1, 2, 3]
