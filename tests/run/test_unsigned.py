"""Sources that no process signed: whose their rows are, whatever came first."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rldk_tui.events import (
    Event,
    Measured,
    Metrics,
    Origin,
    Phase,
    ReadProblem,
    RunDescribed,
    RunEnded,
    RunStarted,
)
from rldk_tui.run import RunSnapshot, RunStore

STATE = Origin(source="trainer_state.json", format="trainer state", authority=4)
JSONL = Origin(source="metrics.jsonl", format="metrics JSONL", authority=6)
OTHER = Origin(source="z.csv", format="metrics CSV", authority=5)
THIRD = Origin(source="a.npz", format="SB3 evaluations", authority=3)
WANDB = Origin(source="run.wandb", format="W&B run file", authority=7)
CONSOLE = Origin(source="train.log", format="console", authority=1)
TENSORBOARD = Origin(source="events.out.tfevents.1.h.7.0", format="TensorBoard events", authority=8)
STARTED = RunStarted(time=1000.0, schema_version=1, run_id="x", host="h", pid=7)
ANOTHER = RunStarted(time=math.nan, schema_version=1, run_id="x")
Sourced = tuple[Event, Origin]


def row(step: int, loss: float | None, *, counted: bool = False, time: float = math.nan, **others: float | None) -> Metrics:
    return Metrics(time=time, step=step, values={"loss": loss, **others}, counted=counted)


def told(origin: Origin, *events: Event) -> list[Sourced]:
    return [(event, origin) for event in (RunDescribed(time=math.nan), *events)]


def stored(events: Iterable[Sourced], *, look: Iterable[int] = ()) -> RunSnapshot:
    store = RunStore("run")
    looks = set(look)
    for index, (event, origin) in enumerate(events):
        store.add(event, origin)
        if index in looks:
            store.snapshot(0.0, (), store.pulse(process_alive=None))
    return store.snapshot(0.0, (), store.pulse(process_alive=None))


def history(snapshot: RunSnapshot) -> list[dict[int, dict[str, str]]]:
    return [
        {
            step: {
                name: repr(segment.rows.column(name).values[at])
                for name in segment.rows.columns
                if segment.rows.column(name).present[at]
            }
            for at, step in enumerate(segment.rows.steps.tolist())
        }
        for segment in snapshot.segments
    ]


def losses(snapshot: RunSnapshot) -> list[list[float]]:
    return [segment.rows.column("loss").values.tolist() for segment in snapshot.segments]


def test_a_document_alone_is_the_history() -> None:
    snapshot = stored(told(JSONL, row(1, 0.5), row(2, 0.4)))
    assert losses(snapshot) == [[0.5, 0.4]]
    assert snapshot.segments[0].key == "metrics.jsonl"


def test_cells_of_one_step_that_come_one_by_one_are_one_row() -> None:
    events = [Metrics(time=math.nan, step=3, values={name: 1.0}) for name in ("loss", "kl", "entropy")]
    assert set(stored(told(JSONL, *events)).segments[0].rows.columns) == {"loss", "kl", "entropy"}


def test_a_second_training_in_one_file_is_a_second_segment() -> None:
    snapshot = stored(told(JSONL, row(1, 0.5), row(2, 0.4), ANOTHER, row(1, 0.9), row(2, 0.8)))
    assert losses(snapshot) == [[0.5, 0.4], [0.9, 0.8]]


def test_two_files_that_agree_are_one_history_and_the_one_that_says_nan_is_believed() -> None:
    one = told(JSONL, row(1, 0.5), row(2, 0.4), row(3, 0.0, grad_norm=1.0))
    two = told(STATE, row(1, 0.5, kl=0.1), row(2, 0.4), row(3, math.nan))
    for events in (one + two, two + one):
        (segment,) = stored(events).segments
        assert segment.rows.steps.tolist() == [1, 2, 3]
        assert math.isnan(segment.rows.column("loss").values[2])
        assert {"kl", "grad_norm"} <= set(segment.rows.columns)


def test_files_that_contradict_each_other_stand_apart() -> None:
    one = told(JSONL, *(row(step, 0.5) for step in range(5)))
    two = told(OTHER, *(row(step, 9.0) for step in range(5)))
    assert losses(stored(one + two)) == losses(stored(two + one)) == [[9.0] * 5, [0.5] * 5]


def test_rows_join_the_launch_whose_numbers_they_repeat() -> None:
    launch: list[Sourced] = [
        (STARTED, TENSORBOARD),
        *((row(step, step / 10, time=1000.0 + step), TENSORBOARD) for step in (1, 2, 3)),
    ]
    document = told(WANDB, *(row(step, step / 10, reward=1.0, time=2000.0) for step in (1, 2, 3, 4)))
    for events in (launch + document, document + launch):
        (segment,) = stored(events).segments
        assert segment.rows.steps.tolist() == [1, 2, 3, 4]
        assert segment.rows.column("reward").values.tolist() == [1.0] * 4


def test_numbered_rows_are_logging_steps_apart_where_that_is_known() -> None:
    console = told(CONSOLE, *(row(number, number / 10, counted=True) for number in (1, 2, 3)))
    assert stored(console).segments[0].rows.steps.tolist() == [1, 2, 3]
    worked_out = [*console, (RunDescribed(time=math.nan, config={"steps_a_row": 5}), CONSOLE)]
    assert stored(worked_out).segments[0].rows.steps.tolist() == [5, 10, 15]
    assert "steps_a_row" not in stored(worked_out).info.config
    state = told(STATE, RunDescribed(time=math.nan, config={"logging_steps": 10}), row(10, 0.1), row(20, 0.2))
    (segment,) = stored([*worked_out, *state]).segments
    assert segment.rows.steps.tolist() == [10, 20, 30]


def test_a_console_beside_better_sources_counts_only_where_it_agrees() -> None:
    better = told(JSONL, *(row(step, step / 10) for step in range(1, 6)))
    wrong = told(CONSOLE, *(row(step, 7.0) for step in range(1, 9)))
    assert losses(stored([*better, *wrong])) == [[0.1, 0.2, 0.3, 0.4, 0.5]]
    rounded = told(CONSOLE, *(row(step, step / 10 + 4e-6, epoch=1.0) for step in range(1, 8)))
    assert stored([*better, *rounded]).segments[0].rows.steps.tolist() == list(range(1, 8))


@pytest.mark.parametrize(("rows", "doubted"), [(3, False), (5, False), (6, True)])
def test_where_a_consoles_rows_stand_is_doubted_only_where_nothing_better_tells(rows: int, *, doubted: bool) -> None:
    doubt = ReadProblem(source=CONSOLE.source, message="where its rows stand is a guess", steps_untold=True)
    better = told(JSONL, *(row(step, step / 10) for step in range(1, 6)))
    printed = told(CONSOLE, *(row(number, number / 10, counted=True) for number in range(1, rows + 1)))
    for events, expected in ((printed, True), ([*better, *printed], doubted), ([*printed, *better], doubted)):
        store = RunStore("run")
        for event, origin in events:
            store.add(event, origin)
        problems = store.snapshot(0.0, (doubt,), store.pulse(process_alive=None)).problems
        assert bool(problems) is expected


def test_a_table_that_only_numbers_its_rows_does_not_mix_with_steps() -> None:
    better = told(JSONL, *(row(step, 0.5) for step in (100, 200)))
    numbered = told(OTHER, *(row(number, 3.0, counted=True) for number in (1, 2)))
    assert losses(stored([*better, *numbered])) == [[3.0, 3.0], [0.5, 0.5]]


@pytest.mark.parametrize(("ended", "state"), [(False, "died"), (True, "finished")])
def test_a_process_that_failed_after_the_trainings_last_words_did_not_die(*, ended: bool, state: str) -> None:
    last = [Metrics(time=math.nan, step=2, phase=Phase.FINAL, values={"train_runtime": 9.0})] if ended else []
    events = told(WANDB, row(1, 0.5), row(2, 0.4), *last, RunEnded(time=math.nan, step=2, reason="exit code 1", failed=True))
    assert stored(events).state == state


SOURCES: list[list[Sourced]] = [
    [(STARTED, TENSORBOARD), *((row(step, step / 10, time=1000.0 + step), TENSORBOARD) for step in range(1, 9))],
    told(WANDB, *(row(step, step / 10, reward=1.0) for step in range(1, 11))),
    told(JSONL, *(row(step, step / 10, kl=0.5) for step in range(1, 5)), ANOTHER, *(row(step, 3.0) for step in range(1, 4))),
    told(CONSOLE, RunDescribed(time=math.nan, config={"steps_a_row": 2}), *(row(n, n / 5, counted=True) for n in range(1, 6))),
    told(STATE, *(row(step, step / 10, lr=1e-4) for step in range(1, 7))),
    told(OTHER, *(row(step, 9.0) for step in range(3, 7))),
    told(THIRD, *(Metrics(time=math.nan, step=step, phase=Phase.EVAL, values={"loss": 0.1}) for step in (2, 4, 40, 50))),
    [
        (
            Measured(time=math.nan, step=step, values={"samples/count": float(step)}),
            Origin(source=f"{step}.parquet", format="TRL", authority=4),
        )
        for step in range(1, 9)
    ],
]


@settings(max_examples=60)
@given(
    chosen=st.sets(st.sampled_from(range(len(SOURCES))), min_size=1),
    order=st.lists(st.integers(0, 7), max_size=80),
    look=st.sets(st.integers(0, 80)),
)
def test_the_history_does_not_depend_on_what_was_read_first_nor_when_somebody_looked(
    chosen: set[int], order: list[int], look: set[int]
) -> None:
    waiting = {index: list(SOURCES[index]) for index in sorted(chosen)}
    expected = history(stored([event for source in waiting.values() for event in source]))
    turns = [*order, *(index for index in waiting for _ in range(20))]
    mixed = [waiting[index].pop(0) for index in turns if waiting.get(index)]
    assert history(stored(mixed, look=look)) == expected


def test_each_metric_tells_its_sources_the_most_trusted_first() -> None:
    evaluation = Metrics(time=math.nan, step=2, phase=Phase.EVAL, values={"loss": 0.7})
    events = [*told(STATE, row(1, 0.5, kl=0.1), evaluation), *told(WANDB, row(1, 0.5, lr=1e-4))]
    assert dict(stored(events).sources) == {
        "loss": ("run.wandb", "trainer_state.json"),
        "kl": ("trainer_state.json",),
        "eval/loss": ("trainer_state.json",),
        "learning_rate": ("run.wandb",),
    }
