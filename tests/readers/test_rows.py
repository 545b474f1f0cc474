"""Rows of any framework become metrics: which cell is the step, the clock, a metric, another training."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

import pytest

from rldk_tui.events import Metrics, Origin, Phase, ReadProblem, RunDescribed, RunStarted
from rldk_tui.events.entries import Entries
from rldk_tui.readers import HEAD, Read, format_of
from rldk_tui.readers._numbers import number, unix_time
from rldk_tui.readers._rows import MOST_METRICS, Rows
from rldk_tui.readers.metrics_csv import CsvDecoder
from rldk_tui.readers.metrics_jsonl import MetricsDecoder
from rldk_tui.run import RunStore


def read(rows: Iterable[dict[str, Any]], **options: bool) -> list[Read]:
    taker = Rows("x", **options)
    return [event for row in rows for event in taker.take(row)]


def metrics(reads: Iterable[Read]) -> list[Metrics]:
    return [event for event in reads if isinstance(event, Metrics)]


def cells(reads: Iterable[Read]) -> list[tuple[int, str, dict[str, float | None]]]:
    return [(event.step, event.phase.value, event.values) for event in metrics(reads)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.005131", 0.005131),
        ("1.412e+04", 14120.0),
        ("0.23%", 0.23),
        ("287.5±102.3", 287.5),
        ("-inf", -math.inf),
        (10**400, math.inf),
        ("21360_00000", None),
        ("[100, 99]", None),
        ("49m 19s", None),
        ("3 days, 17:51:32", None),
        (True, None),
        (None, None),
    ],
)
def test_numbers_are_read_as_logs_write_them(text: object, value: float | None) -> None:
    assert number(text) == value


def test_a_clock_is_told_from_the_time_since_the_start() -> None:
    assert unix_time(1700000000.5) == 1700000000.5
    assert unix_time("2023-11-14T22:13:20+00:00") == 1700000000.0
    assert math.isnan(unix_time(11.15))
    assert math.isnan(unix_time("soon"))


@pytest.mark.parametrize(
    ("row", "step"),
    [
        ({"step": 3, "loss": 1.0}, 3),
        ({"Step": "4", "loss": 1.0}, 4),
        ({"global_step/max_steps": "10/438", "loss": 1.0}, 10),
        ({"current_steps": 5, "total_steps": 360, "loss": 1.0}, 5),
        ({"epoch": 1, "total_steps": 50, "train_loss": 0.7}, 50),
        ({"_step": 900, "train/global_step": 30, "train/loss": 1.0}, 30),
        ({"training_iteration": 2, "timesteps_total": 400, "episode_reward_mean": 1.0}, 400),
        ({"step": 7, "data": {"actor/pg_loss": 0.1}}, 7),
    ],
)
def test_a_row_tells_its_step_under_many_names(row: dict[str, Any], step: int) -> None:
    assert [event.step for event in metrics(read([row]))] == [step]


def test_how_far_it_is_to_go_is_told_once() -> None:
    reads = read([{"current_steps": step, "total_steps": 360, "loss": 1.0} for step in (5, 10)])
    assert [event.max_steps for event in reads if isinstance(event, RunDescribed) and event.max_steps] == [360]


def test_training_evaluation_and_summary_are_kept_apart() -> None:
    rows = [
        {"train/loss": 1.0, "eval/loss": 2.0, "step": 5},
        {"eval_loss": 2.5, "epoch": 0.5, "step": 6},
        {"val_loss": 3.0, "loss": 0.9, "step": 7},
        {"train_runtime": 9.0, "train_loss": 0.5, "step": 7},
    ]
    assert cells(read(rows)) == [
        (5, "train", {"loss": 1.0}),
        (5, "eval", {"loss": 2.0}),
        (6, "eval", {"loss": 2.5}),
        (7, "train", {"loss": 0.9}),
        (7, "eval", {"loss": 3.0}),
        (7, "final", {"train_runtime": 9.0, "train_loss": 0.5}),
    ]


def test_steps_that_go_back_are_another_training_and_repeated_ones_are_not() -> None:
    def trainings(*steps: int) -> int:
        return sum(isinstance(event, RunStarted) for event in read({"step": step, "loss": 1.0} for step in steps))

    assert trainings(1, 1, 2, 2, 3) == 0
    assert trainings(1, 2, 3, 1, 2) == 1
    late = read([{"step": 5, "loss": 1.0}, {"step": 4, "reward": 1.0}])
    assert not any(isinstance(event, RunStarted) for event in late)


def test_an_evaluation_that_counts_its_own_batches_stands_at_the_last_step() -> None:
    rows: list[dict[str, Any]] = [
        {"current_steps": 351, "total_steps": 351, "loss": 1.0},
        {"current_steps": 2, "total_steps": 2, "loss": None, "eval_loss": 0.5},
    ]
    assert [(step, phase) for step, phase, _ in cells(read(rows))] == [(351, "train"), (351, "eval")]


def test_rows_without_a_step_are_numbered_and_that_is_said_once() -> None:
    reads = read({"loss": loss} for loss in (0.5, 0.4, 0.3))
    assert [(event.step, event.counted) for event in metrics(reads)] == [(1, True), (2, True), (3, True)]
    assert [problem.message for problem in reads if isinstance(problem, ReadProblem)] == [
        "its rows tell no step: they are numbered by their order, times logging_steps where that is known"
    ]


def test_a_null_is_nothing_measured_only_where_absence_would_be_nothing_logged() -> None:
    row = {"step": 1, "loss": 1.0, "grad_norm": None}
    assert cells(read([row])) == [(1, "train", {"loss": 1.0})]
    assert cells(read([row], nulls=True)) == [(1, "train", {"loss": 1.0, "grad_norm": None})]


def test_only_so_many_metrics_are_kept() -> None:
    rows = Rows("x")
    (event,) = metrics(rows.take({"step": 1, **{f"m{index}": 1.0 for index in range(3 * MOST_METRICS)}}))
    assert len(event.values) == MOST_METRICS
    assert rows.too_many() is not None
    assert rows.too_many() is None


def decoded(decoder: MetricsDecoder | CsvDecoder, data: bytes) -> list[Read]:
    return [*decoder.feed(data), *decoder.flush()]


def test_cells_one_a_line_are_read_as_rows() -> None:
    lines = [{"time": 1700000001, "step": 1, "name": "loss", "value": "0.4"}, {"step": 1, "name": "kl", "value": 0.1}]
    reads = decoded(MetricsDecoder(PurePath("x.jsonl")), "\n".join(map(json.dumps, lines)).encode())
    assert cells(reads) == [(1, "train", {"loss": 0.4}), (1, "train", {"kl": 0.1})]
    assert metrics(reads)[0].time == 1700000001


def test_objects_printed_over_many_lines_are_read_one_after_another() -> None:
    data = b"".join(json.dumps({"step": step, "loss": 1.0, "more": {"a": 2}}, indent=2).encode() + b"\n" for step in (1, 2, 3))
    assert [step for step, _, _ in cells(decoded(MetricsDecoder(PurePath("x.jsonl")), data))] == [1, 2, 3]


def test_a_bare_nan_is_a_number() -> None:
    (event,) = metrics(decoded(MetricsDecoder(PurePath("x.jsonl")), b'{"step": 1, "loss": NaN, "kl": -Infinity}\n'))
    assert math.isnan(event.values["loss"] or 0.0)
    assert event.values["kl"] == -math.inf


def test_episodes_of_a_monitor_have_a_length_and_no_step() -> None:
    data = b'#{"t_start": 1700000000.0, "env_id": "A"}\r\nr,l,t\r\n1.5,10,0.5\r\n2.5,20,1.5\r\n'
    reads = decoded(CsvDecoder(PurePath("0.monitor.csv")), data)
    assert [(event.step, event.time) for event in metrics(reads)] == [(10, 1700000000.5), (30, 1700000001.5)]
    again = decoded(CsvDecoder(PurePath("0.monitor.csv")), data + data)
    assert sum(isinstance(event, RunStarted) for event in again) == 1
    assert [event.step for event in metrics(again)] == [10, 30, 10, 30]


def test_of_a_table_without_a_last_newline_the_last_number_is_not_trusted() -> None:
    reads = decoded(CsvDecoder(PurePath("x.csv")), b"step,loss,kl\n1,0.5,0.1\n2,0.4,0.12")
    assert cells(reads) == [(1, "train", {"loss": 0.5, "kl": 0.1}), (2, "train", {"loss": 0.4})]


def test_empty_cells_are_not_logged_and_a_repeated_header_is_another_training() -> None:
    reads = decoded(CsvDecoder(PurePath("x.csv")), b'"step","loss","eval_acc"\n1,0.5,\n2,,9\n\nstep,loss,eval_acc\n1,0.6,\n')
    assert cells(reads) == [(1, "train", {"loss": 0.5}), (2, "eval", {"acc": 9.0}), (1, "train", {"loss": 0.6})]
    assert sum(isinstance(event, RunStarted) for event in reads) == 1


@pytest.mark.parametrize(
    ("name", "head", "format_name"),
    [
        ("metrics.jsonl", b'{"step": 1, "loss": 0.5}\n', "metrics JSONL"),
        ("metrics.jsonl", b'{"step": 1, "data": {"actor/pg_loss": 0.5}}\n', "metrics JSONL"),
        ("log.json", b'{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.4}\n', "metrics JSONL"),
        ("metrics.jsonl", b'{"ts": 1772691653.3, "path": "/v1", "latency_s": 9.2, "req_bytes": 23}\n', None),
        ("checkpoints.jsonl", b'{"name": "final", "batch": 0, "epoch": 1, "state_path": "tinker://x"}\n', None),
        ("scores.jsonl", b'{"prompt": "Q1", "score": 0.25}\n', None),
        ("gpu.jsonl", b'{"system.gpu.0.gpu": 4.0, "system.cpu": 65.0, "_timestamp": 1582070918}\n', None),
        ("results.json", b'{"rho": 0.7, "seed": 42, "max_steps": 50}', None),
        ("progress.csv", b"time/fps,train/loss,time/total_timesteps\n11,,4\n", "metrics CSV"),
        ("progress.csv", b"step,loss\n", "metrics CSV"),
        ("people.csv", b"name,age\nAda,36\n", None),
        ("gpu.csv", b"timestamp,utilization\n1700000000,93\n", None),
        ("notes.txt", b"To be, or not to be, that is the question\n", None),
    ],
)
def test_a_log_is_told_by_its_content(name: str, head: bytes, format_name: str | None) -> None:
    form = format_of(PurePath(name), head[:HEAD])
    assert (form.name if form else None) == format_name


def test_a_phase_is_a_phase() -> None:
    assert {event.phase for event in metrics(read([{"step": 1, "test/nll": 1.0}]))} == {Phase.EVAL}


def many(*, dirty: bool) -> bytes:
    """Rows as a training logs them: every tenth with an evaluation, a second training, and what breaks the pattern."""
    rows: list[dict[str, Any]] = []
    for training in range(2):
        for step in range(1, 400):
            rows.append({"step": step, "loss": 1.0 / step + training, "lr": 1e-4, "_timestamp": 1.7e9 + step})
            if step % 10 == 0:
                rows.append({"step": step, "eval_loss": 2.0 / step})
    lines = [json.dumps(row) for row in rows]
    if dirty:
        lines[50] = '{"step": 47, "loss": NaN, "lr": 0.0001, "_timestamp": 1.7e9}'
        lines[90] = "{"
        lines[91] = '{"step": 84, "loss": null, "lr": 1, "_timestamp": 1.7e9}'
        lines[200] = '{"step": 184, "loss": 1e999, "lr": 0.0001, "_timestamp": 1700000184}'
        lines[300] = '{"step": 275.5, "loss": 1.0, "lr": 0.0001, "_timestamp": 1700000275}'
    return "\n".join(lines).encode() + b"\n"


@pytest.mark.parametrize("dirty", [False, True])
def test_many_rows_at_once_are_the_same_as_one_by_one(*, dirty: bool) -> None:
    data = many(dirty=dirty)
    at_once = MetricsDecoder(PurePath("x.jsonl"))
    slowly = MetricsDecoder(PurePath("x.jsonl"))
    one_by_one = [read for line in data.splitlines(keepends=True) for read in slowly.feed(line)]
    together = list(at_once.feed(data))
    assert any(isinstance(read, Entries) for read in together)
    assert history(together) == history(one_by_one)


def history(reads: list[Read]) -> list[list[tuple[str, list[int], list[str]]]]:
    """What the store makes of it: steps, values and times of every segment."""
    store = RunStore("x")
    for read in reads:
        if not isinstance(read, ReadProblem):
            store.add(read, Origin(source="x.jsonl", format="metrics JSONL", authority=6))
    snapshot = store.snapshot(0.0, (), store.pulse(process_alive=None))
    return [
        [
            *((name, rows.steps.tolist(), list(map(repr, rows.column(name).values))) for name in sorted(rows.columns)),
            ("times", rows.steps.tolist(), list(map(repr, rows.times))),
        ]
        for rows in (segment.rows for segment in snapshot.segments)
    ]


def a_table(*, dirty: bool) -> bytes:
    lines = ["step,loss,eval_loss,timestamp"]
    for training in range(2):
        lines += [f"{step},{1.0 / step + training},{'' if step % 10 else 2.0},{1.7e9 + step}" for step in range(1, 400)]
    if dirty:
        lines[50] = "50,nan,,1700000050"
        lines[90] = "<<<<<<< HEAD"
        lines[91] = "91,12%,,1700000091"
        lines[200] = "200,,,1700000200"
        lines[300] = "300.5,1.0,,1700000300"
        lines[310] = ",1.0,,1700000310"
    return "\n".join(lines).encode() + b"\n"


@pytest.mark.parametrize("dirty", [False, True])
def test_many_lines_of_a_table_at_once_are_the_same_as_one_by_one(*, dirty: bool) -> None:
    data = a_table(dirty=dirty)
    at_once, slowly = CsvDecoder(PurePath("x.csv")), CsvDecoder(PurePath("x.csv"))
    one_by_one = [read for line in data.splitlines(keepends=True) for read in slowly.feed(line)]
    together = list(at_once.feed(data))
    assert any(isinstance(read, Entries) for read in together)
    assert history(together) == history(one_by_one)
