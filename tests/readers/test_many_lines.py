"""Very many lines at once tell what each tells by itself, whatever stands in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import PurePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.events import Origin, ReadProblem
from rldk_tui.readers import Read, metrics_jsonl, rldk_jsonl
from rldk_tui.readers.metrics_jsonl import MetricsDecoder
from rldk_tui.readers.rldk_jsonl import JsonlDecoder
from rldk_tui.run import RunStore

NUMBERS = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers(-(10**25), 10**25).map(str)
ODD = st.sampled_from(
    [
        *("-0", "1E+5", "1e-400", "1e400", "01", "1.", "+1", "--1", "-", "9007199254740993", "0.1" + "0" * 60 + "1"),
        *(
            "null",
            "true",
            "false",
            "NaN",
            "-Infinity",
            "Infinity",
            '"nan"',
            '"1.5"',
            '"a:1"',
            "{}",
            '{"a": 1}',
            "[1]",
            "",
            "1 2",
        ),
    ]
)
KEYS = ("loss", "kl", "rewards/x/mean", 'odd"key', "a:b", "time", "step", "type", "é")
SPACES = st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")])


@st.composite
def objects(draw: st.DrawFn, *, odd: bool) -> str:
    """An object of numbers, now and then of other things."""
    comma, colon = draw(SPACES) if odd else (",", ":")
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=4)) if odd else KEYS[:3]
    cell = NUMBERS | ODD if odd else NUMBERS
    return "{" + comma.join(json.dumps(key) + colon + draw(cell) for key in keys) + "}"


@st.composite
def logs(draw: st.DrawFn) -> bytes:
    """Lines mostly alike, of rising steps mostly; what frames an object of numbers is that of our log, or nothing."""
    ours, lines, step = draw(st.booleans()), [], 0
    if ours:
        lines.append('{"type":"run_started","time":1.0,"schema_version":1,"run_id":"x"}')
    for _ in range(draw(st.integers(1, 25))):
        step += draw(st.sampled_from([1, 1, 1, 2, 0, -3]))
        numbers = draw(objects(odd=draw(st.sampled_from([False, False, True]))))
        line = f'{{"type":"metrics","time":{step}.5,"step":{step},"values":{numbers}}}' if ours else numbers
        if not ours:
            line = '{"step":' + str(step) + ("," if numbers != "{}" else "") + numbers[1:]
        cut, changed = ["", "{", "}", line[:-3], line + " x", line + line], [(":", ": "), ("{", "{\n")]
        unlike = [*lines[:ours], *cut, *(line.replace(*change) for change in changed)]
        lines.append(draw(st.sampled_from([line] * 12 + unlike)))
    return "\n".join(lines).encode() + b"\n"


def history(reads: list[Read]) -> list[Any]:
    """What was wrong, and what the store makes of the rest."""
    store = RunStore("x")
    for read in reads:
        if not isinstance(read, ReadProblem):
            store.add(read, Origin(source="x.jsonl", format="x", authority=6))
    told: list[Any] = sorted((read.line, read.message) for read in reads if isinstance(read, ReadProblem))
    for segment in store.snapshot(0.0, (), store.pulse(process_alive=None)).segments:
        rows = segment.rows
        columns = {name: rows.column(name) for name in sorted(rows.columns)}
        cells = {name: repr((column.values.tolist(), column.codes.tolist())) for name, column in columns.items()}
        told.append((rows.steps.tolist(), repr(rows.times.tolist()), cells))
    return told


def decoded(log: bytes, cuts: Sequence[float] = ()) -> list[Read]:
    """What is read of the log that comes in pieces, cut at these shares of it."""
    decoder = (JsonlDecoder if b"run_started" in log[:30] else MetricsDecoder)(PurePath("x.jsonl"))
    places = [0, *sorted(int(cut * len(log)) for cut in cuts), len(log)]
    return [read for begin, end in pairwise(places) for read in decoder.feed(log[begin:end])]


@given(logs(), st.sampled_from([1, 200, 500, 1 << 60]), st.lists(st.floats(0, 1), max_size=3))
def test_at_once_is_line_by_line(log: bytes, block: int, cuts: list[float]) -> None:
    together = []
    for many in (1, 1 << 60):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rldk_jsonl, "MANY_LINES", many)
            patch.setattr(rldk_jsonl, "BLOCK", max(block, many))
            patch.setattr(metrics_jsonl, "_MANY_LINES", many)
            patch.setattr("rldk_tui.readers._row_shapes._FEW", 2)
            together.append(history(decoded(log, cuts)))
    at_once, singly = together
    assert at_once == singly


def test_a_metric_told_again_at_its_step_after_another_has_one_row() -> None:
    lines = [f'{{"step": {step // 2}, "{("loss", "kl")[step % 2]}": 1.0}}' for step in range(600)]
    lines.append('{"step": 299, "loss": 2.0}')
    at_once = decoded("\n".join([*lines, ""]).encode())
    one_by_one = MetricsDecoder(PurePath("x.jsonl"))
    assert history(at_once) == history([read for line in lines for read in one_by_one.feed(f"{line}\n".encode())])
