"""Launches, facts and life of a run."""

from __future__ import annotations

import math
from itertools import permutations

import pytest

from rldk_tui.events import (
    Algorithm,
    Checkpoint,
    Event,
    Heartbeat,
    Measured,
    Metrics,
    Origin,
    Phase,
    RunDescribed,
    RunEnded,
    RunStarted,
    RunState,
)
from rldk_tui.run import Kind, RunSnapshot, RunStore

OURS = Origin(source="rldk/events-rank00000.jsonl", format="RLDK event log", authority=12)
BOARD = Origin(source="runs/x/events.out.tfevents.1.h.7.0", format="TensorBoard events", authority=8)
STATE = Origin(source="trainer_state.json", format="trainer state", authority=4)


def started(time: float, pid: int, **facts: object) -> RunStarted:
    return RunStarted(time=time, schema_version=1, run_id=f"p{pid}", host="h", pid=pid, **facts)  # type: ignore[arg-type]


def logged(step: int, time: float = math.nan, phase: Phase = Phase.TRAIN, **values: float | None) -> Metrics:
    return Metrics(time=time, step=step, phase=phase, values=dict(values))


def snapshot(*events: tuple[Event, Origin], at: float = 1000.0, alive: bool | None = None) -> RunSnapshot:
    store = RunStore("run")
    for event, origin in events:
        store.add(event, origin)
    return store.snapshot(at, (), store.pulse(process_alive=alive))


def test_two_sources_of_one_launch_are_one_history() -> None:
    shot = snapshot(
        (started(1.0, 7), OURS),
        (started(1.0, 7), BOARD),
        (logged(1, 2.0, loss=0.5), OURS),
        (logged(1, 2.0, loss=0.5000001, reward=1.0), BOARD),
        (logged(2, 3.0, loss=0.4), BOARD),
    )
    assert len(shot.segments) == 1
    assert shot.series("loss").values.tolist() == [0.5, 0.4]
    assert shot.series("reward").steps.tolist() == [1]


def test_a_resumed_run_shows_the_later_launch_where_they_overlap_and_keeps_both() -> None:
    first = [(logged(step, float(step), loss=1.0), OURS) for step in range(1, 9)]
    second = [(logged(step, 100.0 + step, loss=2.0), OURS) for step in range(6, 11)]
    shot = snapshot((started(0.5, 7), OURS), *first, (started(100.0, 8, first_step=5), OURS), *second)
    assert [len(segment.rows) for segment in shot.segments] == [8, 5]
    assert shot.series("loss").steps.tolist() == list(range(1, 11))
    assert shot.series("loss").values.tolist() == [1.0] * 5 + [2.0] * 5


def test_rows_without_a_launch_join_the_one_of_their_step_whatever_came_first() -> None:
    board: list[tuple[Event, Origin]] = [
        (started(1.0, 7), BOARD),
        *((logged(step, float(step), loss=1.0), BOARD) for step in range(1, 4)),
    ]
    state: list[tuple[Event, Origin]] = [(logged(2, loss=1.0, reward=None), STATE), (logged(3, reward=0.5), STATE)]
    for events in ([*board, *state], [*state, *board]):
        shot = snapshot(*events)
        assert len(shot.segments) == 1
        assert shot.series("loss").steps.tolist() == [1, 2, 3]
        assert shot.series("reward").steps.tolist() == [2, 3]
        assert shot.series("reward").kinds.tolist() == [Kind.NULL, Kind.FINITE]


def test_a_final_state_of_an_earlier_run_in_the_same_folder_says_nothing_of_this_one() -> None:
    earlier = [(logged(step, loss=5.0 + step, reward=None), STATE) for step in range(1, 101)]
    shot = snapshot(
        (started(1.0, 8, max_steps=200), BOARD),
        *((logged(step, float(step), loss=1.0, reward=0.5), BOARD) for step in range(1, 31)),
        *earlier,
        (RunEnded(time=math.nan, step=100), STATE),
        at=31.0,
    )
    assert shot.state is RunState.LIVE
    assert shot.step == 30
    assert shot.series("reward").steps.tolist() == list(range(1, 31))
    assert set(shot.series("reward").kinds.tolist()) == {Kind.FINITE}


def test_a_document_ahead_of_the_log_continues_its_launch_and_does_not_end_it() -> None:
    log = [(logged(step, float(step), loss=1.0 / step), BOARD) for step in range(1, 31)]
    state = [(logged(step, loss=1.0 / step), STATE) for step in range(1, 51)]
    events: list[tuple[Event, Origin]] = [
        (started(0.5, 7, max_steps=60), BOARD),
        *log,
        *state,
        (RunEnded(time=math.nan, step=50), STATE),
    ]
    shot = snapshot(*events, at=31.0)
    assert len(shot.segments) == 1
    assert (shot.state, shot.step) == (RunState.LIVE, 30)
    assert shot.series("loss").steps.tolist() == list(range(1, 51))
    assert snapshot(*events, at=9000.0, alive=False).state is RunState.FINISHED


def test_a_second_writer_of_the_process_is_no_launch_and_a_second_training_is() -> None:
    own = Origin(source="runs/x/events.out.tfevents.5.h.7.1", format="TensorBoard events", authority=8)
    board: list[tuple[Event, Origin]] = [
        (started(1.0, 7, max_steps=50), BOARD),
        *((logged(step, float(step), loss=1.0), BOARD) for step in range(1, 51)),
    ]
    shot = snapshot(*board, (started(5.0, 7), own), (logged(0, 5.0, hparam=1.0), own), (logged(20, 20.0, mine=2.0), own))
    assert len(shot.segments) == 1
    assert shot.series("loss").steps.size == 50
    assert shot.series("mine").steps.tolist() == [20]
    again = [(logged(step, 100.0 + step, loss=2.0), own) for step in range(1, 11)]
    shot = snapshot(*board, (started(100.0, 7), own), *again)
    assert [len(segment.rows) for segment in shot.segments] == [50, 10]
    assert shot.step == 10


def test_each_launch_keeps_what_its_own_process_said() -> None:
    later = Origin(source="runs/y/events.out.tfevents.90.h.8.0", format="TensorBoard events", authority=8)
    shot = snapshot(
        (started(1.0, 7), BOARD),
        (RunDescribed(time=1.0, config={"learning_rate": 1e-4}, max_steps=100), BOARD),
        (logged(1, 2.0, loss=1.0), BOARD),
        (started(90.0, 8), later),
        (RunDescribed(time=90.0, config={"learning_rate": 1e-6}, max_steps=200), later),
        (logged(1, 91.0, loss=1.0), later),
    )
    assert [segment.info.config["learning_rate"] for segment in shot.segments] == [1e-4, 1e-6]
    assert shot.info.max_steps == 200


def test_the_end_of_another_rank_is_not_the_end_of_the_run() -> None:
    other = Origin(source="rldk/events-rank00001.jsonl", format="RLDK event log", authority=12)
    events = beating(last=1000.0)
    shot = snapshot((started(1.0, 9, rank=1), other), (RunEnded(time=2.0, step=10), other), *events, at=1005.0)
    assert shot.state is RunState.LIVE


@pytest.mark.parametrize("first", ["zero", "alarm"])
def test_the_alarm_of_another_rank_is_not_undone_by_the_zero_of_the_first(first: str) -> None:
    other = Origin(source="rldk/events-rank00001.jsonl", format="RLDK event log", authority=12)
    gradients, weights = "hook/nonfinite_gradients", "hook/nonfinite_parameters"
    zero = (Measured(time=4.0, step=3, values={gradients: 0.0, weights: 0.0}), OURS)
    alarm = [
        (Measured(time=4.0, step=3, values={gradients: 1.0}, named={gradients: ("a",)}), other),
        (Measured(time=4.0, step=3, values={weights: 2.0}, named={weights: ("b", "c")}), other),
    ]
    told = [zero, *alarm] if first == "zero" else [*alarm, zero]
    shot = snapshot((started(1.0, 9), OURS), (started(1.0, 9, rank=1), other), (logged(3, 4.0, loss=1.0), OURS), *told)
    assert shot.series(gradients).values.tolist() == [1.0]
    assert shot.series(weights).values.tolist() == [2.0]
    assert shot.segments[0].named == {gradients: {3: ("a",)}, weights: {3: ("b", "c")}}


def test_eval_and_final_rows_stand_beside_the_training_row_of_their_step() -> None:
    shot = snapshot(
        (started(1.0, 7), OURS),
        (logged(5, 2.0, loss=1.0), OURS),
        (logged(5, 3.0, Phase.EVAL, loss=2.0), OURS),
        (logged(5, 4.0, Phase.FINAL, train_loss=1.5), OURS),
    )
    assert shot.metric_names() == ("loss", "eval/loss", "final/train_loss")
    assert shot.state is RunState.FINISHED


def test_the_unit_of_kl_travels_with_the_trainer() -> None:
    for algorithm, unit in ((Algorithm.GRPO, "nat/token"), (Algorithm.PPO, "nat/sequence")):
        shot = snapshot((started(1.0, 7, algorithm=algorithm), OURS), (logged(1, 2.0, kl=0.1), OURS))
        assert shot.series("kl").unit == unit


def test_the_more_trusted_source_tells_who_the_run_is() -> None:
    card = Origin(source="README.md", format="model card", authority=2)
    shot = snapshot(
        (RunDescribed(time=math.nan, algorithm=Algorithm.RLOO, model="m"), card),
        (started(1.0, 7, algorithm=Algorithm.GRPO), OURS),
    )
    assert (shot.info.algorithm, shot.info.model) == (Algorithm.GRPO, "m")


def beating(last: float) -> list[tuple[Event, Origin]]:
    beats: list[tuple[Event, Origin]] = [(Heartbeat(time=last - 10 + step, step=step), OURS) for step in range(11)]
    return [(started(last - 11, 7, max_steps=100), OURS), *beats]


def test_the_state_follows_from_the_runs_own_pace() -> None:
    events = beating(last=1000.0)
    assert snapshot(*events, at=1005.0).state is RunState.LIVE
    assert snapshot(*events, at=1050.0).state is RunState.SLOW
    assert snapshot(*events, at=1200.0).state is RunState.STALLED
    assert snapshot(*events, at=9000.0).state is RunState.DIED
    assert snapshot(*events, at=9000.0, alive=True).state is RunState.STALLED
    assert snapshot(*events, at=1001.0, alive=False).state is RunState.DIED


def test_a_log_that_speaks_every_five_hundred_steps_is_not_called_dead_between_two_of_its_words() -> None:
    log = [(logged(500 * count, 1000.0 * count, loss=1.0), BOARD) for count in range(1, 6)]
    events: list[tuple[Event, Origin]] = [(started(0.5, 7, max_steps=100_000), BOARD), *log]
    assert snapshot(*events, at=5990.0).state is RunState.LIVE
    assert snapshot(*events, at=9000.0).state is RunState.SLOW
    assert snapshot(*events, at=20_000.0).state is RunState.STALLED
    assert snapshot(*events[:2], at=1500.0).state is RunState.LIVE
    assert snapshot(*events[:2], at=9000.0).state is RunState.SLOW, "one word tells no pace"


def test_a_pause_as_long_as_the_last_one_is_waited_for() -> None:
    times = [*range(1, 30), *range(1200, 1230)]
    log: list[tuple[Event, Origin]] = [(Heartbeat(time=float(time), step=step), OURS) for step, time in enumerate(times)]
    assert snapshot((started(0.5, 7), OURS), *log, at=1229.0 + 1200.0).state is RunState.SLOW


def test_a_run_that_reached_its_goal_did_not_die() -> None:
    log = [(logged(step, float(step), loss=1.0), BOARD) for step in range(1, 101)]
    ppo: list[tuple[Event, Origin]] = [(started(0.5, 7, max_steps=100), BOARD), *log]
    assert snapshot(*ppo, at=9000.0, alive=False).state is RunState.FINISHED
    assert snapshot(*ppo[:-1], at=9000.0, alive=False).state is RunState.DIED
    goalless: list[tuple[Event, Origin]] = [(started(0.5, 7), BOARD), *log]
    assert snapshot(*goalless, at=9000.0, alive=False).state is RunState.UNKNOWN


def test_an_end_record_is_the_end_and_a_final_state_of_an_earlier_launch_is_not() -> None:
    events = beating(last=1000.0)
    assert snapshot(*events, (RunEnded(time=1001.0, step=10), OURS), at=9000.0).state is RunState.FINISHED
    assert snapshot(*events, (RunEnded(time=math.nan, step=10), STATE), at=9000.0).state is RunState.FINISHED
    assert snapshot(*events, (RunEnded(time=math.nan, step=4), STATE), at=9000.0).state is RunState.DIED


def test_nothing_is_known_of_an_empty_run() -> None:
    shot = snapshot()
    assert shot.state is RunState.WAITING
    assert shot.step is None
    assert len(shot.series("loss")) == 0
    assert shot.series("loss").latest is None
    assert not shot.tailable


SECOND = Origin(source="runs/y/events.out.tfevents.90.h.8.0", format="TensorBoard events", authority=8)
SAMPLES = Origin(source="completions/completions_00070.parquet", format="TRL completions", authority=4)


def resumed_run() -> list[list[tuple[Event, Origin]]]:
    """A launch of 84 steps, its resumption from step 60, and what knows of no process: a state, and measured replies."""

    def loss(step: int) -> float:
        return 1.0 / step if step <= 60 else 2.0 / step

    first: list[tuple[Event, Origin]] = [
        (started(1.0, 7), BOARD),
        *((logged(step, float(step), loss=1.0 / step), BOARD) for step in range(1, 85)),
    ]
    second: list[tuple[Event, Origin]] = [
        (started(90.0, 8), SECOND),
        *((logged(step, 30.0 + step, loss=loss(step)), SECOND) for step in range(61, 121)),
    ]
    state: list[tuple[Event, Origin]] = [(logged(step, loss=loss(step), reward=0.5), STATE) for step in range(1, 121)]
    measured = Measured(time=math.nan, step=70, values={"samples/empty": 0.5}, named={"samples/empty": ("70/3",)})
    return [first, second, state, [(measured, SAMPLES)]]


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_what_no_process_signed_ends_in_the_launch_it_is_of_whatever_was_read_first(order: tuple[int, ...]) -> None:
    pieces = resumed_run()
    store = RunStore("run")
    for which in order:
        for part in (pieces[which][:30], pieces[which][30:]):  # each source may lag behind the others
            for event, origin in part:
                store.add(event, origin)
            store.snapshot(1000.0, (), store.pulse(process_alive=None))
    shot = store.snapshot(1000.0, (), store.pulse(process_alive=None))
    assert [segment.rows.steps.tolist() for segment in shot.segments] == [[*range(1, 85)], [*range(61, 121)]]
    beginning, rest = shot.segments
    assert beginning.rows.steps[beginning.rows.column("reward").present].tolist() == list(range(1, 61))
    assert not beginning.rows.column("samples/empty").present.any()
    assert dict(rest.named["samples/empty"]) == {70: ("70/3",)}
    assert rest.rows.column("samples/empty").values[70 - 61] == 0.5
    assert not any(beginning.named.values())


def test_the_pace_is_the_newest_launchs_whatever_order_its_log_was_read_in() -> None:
    slow: list[tuple[Event, Origin]] = [
        (started(1.0, 7), BOARD),
        *((logged(step, 7.0 * step, loss=1.0), BOARD) for step in range(1, 21)),
    ]
    quick: list[tuple[Event, Origin]] = [
        (started(500.0, 8), SECOND),
        *((logged(step, 500.0 + step, loss=2.0), SECOND) for step in range(15, 40)),
    ]
    assert snapshot(*slow, *quick).step_seconds == 1.0
    assert snapshot(*quick, *slow).step_seconds == 1.0
    mixed = [event for both in zip(slow, quick, strict=False) for event in both] + quick[len(slow) :]
    assert snapshot(*mixed).step_seconds == 1.0


def test_a_checkpoint_that_was_looked_at_stays_so_when_the_trainers_word_is_read_later() -> None:
    seen = Checkpoint(time=math.nan, step=25, path="checkpoint-25", complete=True, size=7)
    told = Checkpoint(time=5.0, step=25, path="checkpoint-25", complete=True, size=7)
    folder = Origin(source="checkpoint-25", format="checkpoint folder")
    for events in ([(seen, folder), (told, OURS)], [(told, OURS), (seen, folder)]):
        assert all(math.isnan(checkpoint.time) for checkpoint in snapshot(*events).checkpoints)
    assert [checkpoint.time for checkpoint in snapshot((told, OURS)).checkpoints] == [5.0]
