"""What a run's log and folders say of its checkpoints, without a look at a weight."""

from __future__ import annotations

import math

import pytest

from rldk_tui.analysis.saved_checkpoints import CheckpointState, SavedCheckpoints, saved_checkpoints
from rldk_tui.events import Algorithm, Checkpoint, Measured, ReadProblem, Severity
from rldk_tui.run import RunSnapshot, RunStore
from tests.builders import OURS, RunBuilder, a_run


def saved(step: int, *, complete: bool = True, path: str | None = None) -> Checkpoint:
    return Checkpoint(time=math.nan, step=step, path=path or f"checkpoint-{step}", complete=complete, size=1000 * step)


def analysed(step: int, health: float | None = 1.0, *issues: str, **values: float) -> Measured:
    named = {"checkpoint/issues": issues} if issues else {}
    judged = {"checkpoint/health": health, "checkpoint/issues": float(len(issues)), "checkpoint/usable": 1.0}
    return Measured(
        time=1e6 + step,
        step=step,
        values={**judged, **{f"checkpoint/{name}": value for name, value in values.items()}},
        named=named,
    )


def snapshot(run: RunBuilder, *also: Checkpoint | Measured, problems: tuple[ReadProblem, ...] = ()) -> RunSnapshot:
    store = RunStore("run")
    for event, origin in run.events():
        store.add(event, origin)
    for event in also:
        store.add(event, OURS)
    return store.snapshot(1e6 + 100, problems, store.pulse(process_alive=True))


def a_grpo_run(steps: int = 40) -> RunBuilder:
    return a_run(Algorithm.GRPO).with_metrics(
        reward=[step / steps for step in range(steps)], kl=[0.01 * s for s in range(steps)]
    )


def states(found: SavedCheckpoints) -> list[CheckpointState]:
    return [row.state for row in found.rows]


def test_a_run_without_checkpoints_has_none() -> None:
    found = saved_checkpoints(snapshot(a_grpo_run()))
    assert (found.rows, found.choice) == ((), None)


def test_each_state_is_told_from_the_others() -> None:
    problem = ReadProblem(source="checkpoint-40/model.safetensors", message="may not be read by this user")
    of_run = snapshot(
        a_grpo_run(), saved(10), saved(20), saved(30, complete=False), saved(40), analysed(10), problems=(problem,)
    )
    assert states(saved_checkpoints(of_run)) == [
        CheckpointState.ANALYSED,
        CheckpointState.NOT_ANALYSED,
        CheckpointState.UNFINISHED,
        CheckpointState.UNREADABLE,
    ]
    assert [row.step for row in saved_checkpoints(of_run).to_analyse(over=False)] == [20]
    assert [row.step for row in saved_checkpoints(of_run).to_analyse(over=True)] == [20, 30]


def test_a_deleted_checkpoint_keeps_its_numbers_and_cannot_be_kept() -> None:
    of_run = snapshot(a_grpo_run(), saved(10), saved(20), analysed(10, 1.0), analysed(20, 0.5, drift_previous=0.02))
    found = saved_checkpoints(of_run, {"checkpoint-10"})
    assert states(found) == [CheckpointState.DELETED, CheckpointState.ANALYSED]
    assert (found.rows[0].health, found.rows[0].analysed) == (1.0, True)
    assert found.rows[1].since_previous == 0.02
    assert found.choice is not None
    assert found.choice.step == 20


def test_one_whose_folder_nobody_saw_is_known_by_its_numbers() -> None:
    row = saved_checkpoints(snapshot(a_grpo_run(), analysed(10, 0.9))).rows[0]
    assert (row.path, row.state, row.health) == (None, CheckpointState.DELETED, 0.9)


def test_issues_are_read_back_worst_first() -> None:
    told = ("critical ckpt-nonfinite: 1 tensor holds NaN (a: b).", "info ckpt-incomplete: no optimizer", "odd text")
    row = saved_checkpoints(snapshot(a_grpo_run(), saved(10), analysed(10, 0.0, *told))).rows[0]
    assert [(issue.severity, issue.rule, issue.message) for issue in row.told] == [
        (Severity.CRITICAL, "ckpt-nonfinite", "1 tensor holds NaN (a: b)."),
        (Severity.INFO, "ckpt-incomplete", "no optimizer"),
        (None, None, "odd text"),
    ]
    assert row.worst is Severity.CRITICAL


def test_an_analysis_without_a_score_is_an_analysis() -> None:
    row = saved_checkpoints(snapshot(a_grpo_run(), saved(10), analysed(10, None, "high ckpt-unreadable: damaged"))).rows[0]
    assert (row.analysed, row.health, row.state) == (True, None, CheckpointState.ANALYSED)


def test_an_earlier_versions_log_is_an_analysis_without_a_score() -> None:
    event = Measured(time=1e6, step=10, values={"checkpoint/nonfinite_tensors": 2.0})
    row = saved_checkpoints(snapshot(a_grpo_run(), saved(10), event)).rows[0]
    assert (row.analysed, row.health, row.issues, row.usable) == (True, None, None, False)


@pytest.mark.parametrize(("first", "second", "keep"), [(1.0, 1.0, 40), (0.3, 1.0, 40), (1.0, 0.3, 20)])
def test_reward_and_health_decide_which_to_keep(first: float, second: float, keep: int) -> None:
    of_run = snapshot(a_grpo_run(), saved(20), saved(40), analysed(20, first), analysed(40, second))
    choice = saved_checkpoints(of_run).choice
    assert choice is not None
    assert choice.step == keep
    assert choice.reasons


def test_a_higher_mean_makes_no_better_reward_model() -> None:
    rising = a_run(Algorithm.REWARD).with_metrics(reward=[10.0 - step for step in range(40)])
    choice = saved_checkpoints(snapshot(rising, saved(20), saved(40), analysed(20), analysed(40))).choice
    assert choice is not None
    assert choice.step == 40
