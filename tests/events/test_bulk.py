"""Many lines at once: the same events as one by one, whatever the lines hold."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.events import Event, Heartbeat, Measured, Metrics, Origin, Phase, ReadProblem, RunStarted, encode_line
from rldk_tui.events.entries import Entries, one_by_one
from rldk_tui.readers import Read, rldk_jsonl
from rldk_tui.readers.rldk_jsonl import JsonlDecoder

NUMBERS = st.floats(allow_nan=False) | st.none() | st.just(math.inf)
VALUES = st.fixed_dictionaries({}, optional=dict.fromkeys(("loss", "kl", 'rewards/"quoted"/mean', "entropy"), NUMBERS))
STEPS = st.integers(0, 30)
EVENTS = st.lists(
    st.builds(Metrics, time=st.floats(0, 9), step=STEPS, phase=st.sampled_from(Phase), values=VALUES)
    | st.builds(
        Measured,
        time=st.floats(0, 9),
        step=STEPS,
        values=VALUES,
        named=st.dictionaries(st.just("loss"), st.tuples(st.just("a.weight")), max_size=1),
    )
    | st.builds(Heartbeat, time=st.floats(0, 9), step=STEPS)
    | st.builds(RunStarted, time=st.floats(0, 9), schema_version=st.just(1), run_id=st.just("run")),
    max_size=30,
)


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rldk_jsonl, "MANY_LINES", 1)


def decoded(log: bytes) -> list[Read]:
    return list(JsonlDecoder(PurePath("log.jsonl")).feed(log))


def singly(reads: Iterable[Read]) -> list[Event]:
    origin = Origin(source="log", format="log", authority=12)
    return [event for event, _ in one_by_one((read, origin) for read in reads if not isinstance(read, ReadProblem))]


def stretches(events: Iterable[Event]) -> list[Any]:
    """What is told between any two starts, in whatever order."""
    found: list[list[str]] = [[]]
    for event in events:
        if isinstance(event, RunStarted):
            found.append([])
        found[-1].append(json.dumps(json.loads(encode_line(event)), sort_keys=True))
    return [sorted(stretch) for stretch in found]


@given(EVENTS)
def test_the_same_events_between_two_starts(events: list[Event]) -> None:
    reads = decoded(b"".join(encode_line(event) for event in events))
    assert stretches(singly(reads)) == stretches(events)


@given(EVENTS)
def test_a_step_that_is_told_twice_keeps_the_order_of_its_tellings(events: list[Event]) -> None:
    told = [event for event in events if isinstance(event, Metrics) and event.phase is Phase.TRAIN]
    reads = decoded(b"".join(encode_line(event) for event in told))
    steps = [event.step for event in told]
    if steps == sorted(set(steps)):
        assert all(isinstance(read, Entries) for read in reads)
    else:
        assert reads == told


def test_rows_of_one_shape_become_one_block_of_columns() -> None:
    rows = [Metrics(time=float(step), step=step, values={"loss": step / 2, "kl": 0.0}) for step in range(1, 10)]
    first, *others = decoded(b"".join(encode_line(row) for row in rows))
    assert isinstance(first, Entries)
    assert sum(len(other) for other in others if isinstance(other, Entries)) + len(first) == len(rows)
    assert singly([first, *others])[-1] in rows


def test_what_is_no_event_is_told_with_its_line_and_hides_nothing() -> None:
    row = Metrics(time=1.0, step=1, values={"loss": 1.0})
    later = Metrics(time=2.0, step=2, values={"loss": math.nan})
    reads = decoded(encode_line(row) + b"garbage\n" + encode_line(later) + b'{"type":"metrics","step":-1}\n')
    assert [read.line for read in reads if isinstance(read, ReadProblem)] == [2, 4]
    assert [event.step for event in singly(reads) if isinstance(event, Metrics)] == [1, 2]
