"""Our own log: any chopping of the bytes gives the same events, and what is nearly right is rescued and said."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import PurePath

from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.events import Event, Heartbeat, Metrics, ReadProblem, RunStarted, encode_line
from rldk_tui.readers import Read
from rldk_tui.readers.rldk_jsonl import FORMAT, JsonlDecoder

PATH = PurePath("rldk/events-rank00000.jsonl")
NUMBERS = st.floats(allow_nan=False) | st.none()
EVENTS = st.lists(
    st.builds(Heartbeat, time=st.floats(0, 1e9), step=st.integers(0, 10**6))
    | st.builds(
        Metrics,
        time=st.floats(0, 1e9),
        step=st.integers(0, 10**6),
        values=st.dictionaries(st.text(max_size=8), NUMBERS, max_size=4),
    ),
    max_size=12,
)


def decode(chunks: list[bytes]) -> list[Read]:
    decoder = JsonlDecoder(PATH)
    return [read for chunk in chunks for read in decoder.feed(chunk)] + list(decoder.flush())


@given(EVENTS, st.data())
def test_any_chopping_of_the_bytes_gives_the_same_events(events: list[Event], data: st.DataObject) -> None:
    log = b"".join(encode_line(event) for event in events)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(log)), max_size=8)))
    chunks = [log[low:high] for low, high in pairwise([0, *cuts, len(log)])]
    assert decode(chunks) == events


@given(EVENTS, st.integers(1, 200))
def test_a_torn_end_loses_nothing_before_it(events: list[Event], cut: int) -> None:
    log = b"".join(encode_line(event) for event in events)
    kept = log[: max(0, len(log) - cut)]
    whole = kept.count(b"\n")
    reads = decode([kept])
    assert reads[:whole] == events[:whole]
    assert not any(isinstance(read, ReadProblem) for read in reads)


def test_a_last_line_without_its_newline_is_read_once() -> None:
    line = encode_line(Heartbeat(time=1.0, step=3))
    decoder = JsonlDecoder(PATH)
    assert list(decoder.feed(line[:-1])) == []
    assert list(decoder.flush()) == [Heartbeat(time=1.0, step=3)]
    assert decoder.pending() == 0
    assert list(decoder.feed(b"\n" + line)) == [Heartbeat(time=1.0, step=3)]


def test_crlf_and_a_byte_order_mark_are_read_through() -> None:
    log = b"\xef\xbb\xbf" + encode_line(Heartbeat(time=1.0, step=1)).replace(b"\n", b"\r\n")
    assert decode([log]) == [Heartbeat(time=1.0, step=1)]


def test_a_bare_nan_token_is_read_and_said() -> None:
    problem, event = decode([b'{"type":"metrics","time":1.0,"step":2,"values":{"loss":NaN,"reward":-Infinity}}\n'])
    assert isinstance(problem, ReadProblem)
    assert "NaN" in problem.message
    assert isinstance(event, Metrics)
    assert math.isnan(event.values["loss"] or 0.0)
    assert event.values["reward"] == -math.inf


def test_garbage_and_unknown_events_are_said_and_the_rest_is_read() -> None:
    good = encode_line(Heartbeat(time=1.0, step=1))
    reads = decode([b'\x00\xff{{{\n{"type":"from_the_future","time":1}\n[1,2]\n' + good])
    assert [type(read) for read in reads] == [ReadProblem, ReadProblem, ReadProblem, Heartbeat]
    assert [read.line for read in reads if isinstance(read, ReadProblem)] == [1, 2, 3]


def test_fields_of_a_later_version_are_ignored() -> None:
    line = b'{"type":"heartbeat","time":1.0,"step":4,"mood":"good"}\n'
    assert decode([line]) == [Heartbeat(time=1.0, step=4)]


def test_a_line_without_end_is_given_up_and_the_next_is_read() -> None:
    decoder = JsonlDecoder(PATH)
    reads: list[Read] = []
    for _ in range(5):
        reads += decoder.feed(b"x" * (16 * 1024 * 1024))
    reads += decoder.feed(b"\n" + encode_line(Heartbeat(time=1.0, step=1)))
    assert [type(read) for read in reads] == [ReadProblem, Heartbeat]


def test_only_a_log_of_ours_is_claimed() -> None:
    head = encode_line(RunStarted(time=1.0, schema_version=1, run_id="x"))
    assert FORMAT.claims(PATH, head)
    assert not FORMAT.claims(PurePath("system.jsonl"), b'{"time": 1.0, "step": 1, "rss_mb": 400.0}\n')
    assert not FORMAT.claims(PurePath("events.json"), head)
