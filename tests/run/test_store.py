"""Launches, facts and life of a run."""

from __future__ import annotations

import math

from rldk_tui.events import Algorithm, Event, Heartbeat, Metrics, Origin, Phase, RunDescribed, RunEnded, RunStarted, RunState
from rldk_tui.run import RunSnapshot, RunStore

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
    state: list[tuple[Event, Origin]] = [(logged(2, reward=None), STATE), (logged(4, loss=0.5), STATE)]
    for events in ([*board, *state], [*state, *board]):
        shot = snapshot(*events)
        assert len(shot.segments) == 1
        assert shot.series("loss").steps.tolist() == [1, 2, 3, 4]
        assert shot.series("reward").latest is None
        assert len(shot.series("reward")) == 1


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
