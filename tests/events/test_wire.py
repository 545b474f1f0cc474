"""Every event survives the wire, and every line is strict JSON."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.events import (
    Advice,
    Completion,
    Completions,
    Event,
    Evidence,
    ExtractionError,
    Finding,
    FindingChange,
    FindingReported,
    Metrics,
    Phase,
    RunStarted,
    Severity,
    decode_line,
    encode_line,
    strict,
)

texts = st.text(st.characters(codec="utf-8"), max_size=20)
numbers = st.floats() | st.none()
times = st.floats(0, 4e9)
metrics = st.builds(
    Metrics,
    time=times,
    step=st.integers(0, 2**53),
    phase=st.sampled_from(Phase),
    values=st.dictionaries(texts, numbers, max_size=40),
)
completion = st.builds(
    Completion,
    prompt=texts,
    completion=texts,
    rewards=st.dictionaries(texts, numbers, max_size=3),
    advantage=numbers,
    length=st.none() | st.integers(0, 10**6),
    truncated=st.none() | st.booleans(),
)
completions = st.builds(Completions, time=times, step=st.integers(0, 10**9), rows=st.lists(completion, max_size=4).map(tuple))
evidence = st.builds(
    Evidence,
    metric=st.none() | texts,
    unit=st.none() | texts,
    steps=st.lists(st.integers(0, 9), max_size=3).map(tuple),
    values=st.lists(numbers, max_size=3).map(tuple),
    limit=numbers,
    peak=numbers,
    peak_step=st.none() | st.integers(0, 9),
)
finding = st.builds(
    Finding,
    id=texts,
    rule=texts,
    severity=st.sampled_from(Severity),
    metric=st.none() | texts,
    first_step=st.integers(0, 9),
    last_step=st.integers(0, 9),
    detected_step=st.integers(0, 9),
    open=st.booleans(),
    summary=texts,
    evidence=evidence,
    advice=st.just((Advice(text="lower it", parameter="learning_rate", current=1e-2, proposed="1e-3"),)),
)
reported = st.builds(FindingReported, time=times, finding=finding, change=st.sampled_from(FindingChange))
events = metrics | completions | reported
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


def _refuse_token(token: str) -> float:
    raise AssertionError(f"{token} is not JSON")


def _plain(event: Event) -> Any:
    """Comparable with ==: NaN is not equal to itself, its text is."""
    return strict(event)


@given(events)
def test_an_event_comes_back_as_it_was(event: Event) -> None:
    back = decode_line(encode_line(event))
    assert type(back) is type(event)
    assert _plain(back) == _plain(event)


@given(metrics)
def test_a_line_is_one_line_of_json_that_any_parser_reads(event: Event) -> None:
    line = encode_line(event)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    json.loads(line, parse_constant=_refuse_token)


def test_nan_infinities_and_none_stay_four_different_things() -> None:
    values = {"nan": math.nan, "up": math.inf, "down": -math.inf, "none": None, "zero": 0.0}
    line = encode_line(Metrics(time=1.0, step=1, values=values))
    assert json.loads(line)["values"] == {"nan": "nan", "up": "inf", "down": "-inf", "none": None, "zero": 0.0}
    back = decode_line(line)
    assert isinstance(back, Metrics)
    assert math.isnan(back.values["nan"] or 0)
    assert (back.values["up"], back.values["down"], back.values["none"]) == (math.inf, -math.inf, None)
    assert "absent" not in back.values


def test_opposite_infinities_in_one_row_are_both_kept() -> None:
    line = encode_line(Metrics(time=1.0, step=1, values={"a": math.inf, "b": -math.inf, "c": 1.0}))
    assert json.loads(line)["values"] == {"a": "inf", "b": "-inf", "c": 1.0}


def test_finite_values_whose_sum_overflows_are_kept_as_numbers() -> None:
    line = encode_line(Metrics(time=1.0, step=1, values={"a": 1.7e308, "b": 1.7e308}))
    assert json.loads(line)["values"] == {"a": 1.7e308, "b": 1.7e308}


def test_a_non_finite_setting_in_the_config_does_not_break_the_line() -> None:
    event = RunStarted(time=1.0, schema_version=1, run_id="r", config={"limit": math.inf, "nested": {"x": [math.nan]}})
    assert json.loads(encode_line(event))["config"] == {"limit": "inf", "nested": {"x": ["nan"]}}


def test_a_field_of_a_later_version_is_ignored() -> None:
    assert decode_line(b'{"type":"heartbeat","time":1,"step":2,"mood":"fine"}').time == 1


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"metrics","time":1,"step":1,"values":{"loss":NaN}}',
        b'{"type":"heartbeat","time":1,"st',
        b"",
        b"\x00\x00\x00",
        b"\xff\xfe",
    ],
)
def test_what_is_not_json_is_a_decode_error(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_line(line)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (b'{"type":"telepathy","time":1}', "telepathy"),
        (b'{"type":"metrics","time":1,"step":1,"values":{"loss":"low"}}', "loss"),
        (b'{"type":"heartbeat","time":1,"step":"two"}', "step"),
        (b'{"type":"completions","time":1,"step":1,"rows":5}', "rows"),
        (b'{"type":"completions","time":1,"step":1,"rows":[{"prompt":"","completion":"","advantage":[]}]}', "advantage"),
        (b"[1,2]", "object"),
        (b"3", "object"),
    ],
)
def test_json_that_is_no_event_is_a_validation_error_that_names_the_place(line: bytes, named: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=named):
        decode_line(line)


kinds = st.sampled_from(["metrics", "completions", "finding", "run_started", "system", "nonsense"])
fields = st.sampled_from(["time", "step", "values", "rows", "finding", "config", "gpus", "phase"])


@given(kinds, st.dictionaries(fields, json_values))
def test_no_json_object_raises_anything_else(kind: str, body: dict[str, Any]) -> None:
    with contextlib.suppress(msgspec.ValidationError):
        decode_line(json.dumps({"type": kind, **body}).encode())


def test_an_extraction_error_needs_no_step() -> None:
    event = ExtractionError(time=1.0, message="could not read the git revision")
    assert decode_line(encode_line(event)) == event
