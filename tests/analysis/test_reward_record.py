"""What the rewards of a run's generations tell."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rldk_tui.analysis.reward_record import EXTREMES, STEPS, RewardAccount, RewardRecord
from rldk_tui.events import Completion, Completions, Phase


def log(step: int, *rewards: float | None, phase: Phase = Phase.TRAIN) -> Completions:
    rows = tuple(
        Completion(prompt=f"p{index // 4}", completion=f"{step}/{index}", rewards={"r": reward})
        for index, reward in enumerate(rewards)
    )
    return Completions(time=math.nan, step=step, phase=phase, rows=rows)


def account(*logs: Completions) -> RewardAccount:
    record = RewardRecord()
    for one in logs:
        record.add(one)
    found = record.account()
    assert found is not None
    return found


def test_the_extremes_of_all_steps() -> None:
    found = account(log(1, 0.5, -3.0), log(2, 9.0, None, math.nan, math.inf), log(3, *(0.1 + 0.01 * at for at in range(14))))
    assert [(one.step, one.row, one.reward) for one in found.lowest[:2]] == [(1, 1, -3.0), (3, 0, 0.1)]
    assert [(one.step, one.reward) for one in found.highest[:2]] == [(2, 9.0), (1, 0.5)]
    assert not {(one.step, one.row) for one in found.lowest} & {(one.step, one.row) for one in found.highest}


def test_few_are_dealt_to_both_ends() -> None:
    found = account(log(1, 1.0, 2.0, 3.0), log(2, 4.0))
    assert [one.reward for one in found.lowest] == [1.0, 2.0]
    assert [one.reward for one in found.highest] == [4.0, 3.0]


def test_of_equals_the_newest_and_a_text_once() -> None:
    same = Completions(time=0.0, step=3, rows=(Completion(prompt="p", completion="x", rewards={"r": 1.0}),) * 50)
    found = account(log(1, 1.0), same)
    assert [one.step for one in (*found.lowest, *found.highest)] == [3, 1]


@pytest.mark.parametrize("rewards", [[], [None, None], [math.nan], [math.inf, -math.inf]])
def test_what_nobody_scored_has_no_account(rewards: list[float | None]) -> None:
    record = RewardRecord()
    record.add(log(1, *rewards))
    assert record.account() is None


@pytest.mark.parametrize("rewards", [[1.0], [0.5] * 8, [1e308, -1e308], [None, 0.3, math.nan, -math.inf]])
def test_any_rewards_will_do(rewards: list[float | None]) -> None:
    found = account(log(1, *rewards), log(2, *rewards))
    assert found.batches == 2
    assert found.heat(5, 5) is not None
    assert account(log(1, *rewards)).heat(5, 5) is None


def test_evaluations_stand_in_where_there_is_nothing_else() -> None:
    logs = [log(1, 1.0), log(1, 0.0, phase=Phase.EVAL)]
    assert account(*logs).phase is Phase.TRAIN
    assert account(*logs[1:]).phase is Phase.EVAL


def test_a_step_told_twice_counts_once_and_told_otherwise_counts_anew() -> None:
    first = log(1, *np.linspace(0.0, 1.0, 64))
    second = log(2, *np.linspace(0.0, 1.0, 64))
    assert account(first, second, second).reliability.window == 128
    other = account(first, second, log(2, *np.linspace(2.0, 3.0, 64)))
    assert (other.reliability.window, other.batches, other.highest[0].reward) == (128, 3, 3.0)


def test_a_training_that_was_resumed_forgets_what_it_tells_anew() -> None:
    told = [log(step, float(step), 0.0) for step in range(1, 21)]
    found = account(*told, log(11, 0.25, 0.5))
    assert found.steps == (*range(1, 11), 11)
    assert [one.step for one in found.highest if one.step >= 11] == [*range(20, 12, -1)], "on record until told anew"


def test_memory_is_bounded_and_the_steps_are_drawn_over_the_whole_run() -> None:
    count = 5 * STEPS
    rng = np.random.default_rng(0)
    found = account(*(log(step, *rng.normal(size=4)) for step in range(count)))
    assert found.batches == count
    assert STEPS // 2 <= len(found.steps) <= STEPS + 1
    assert (found.steps[0], found.steps[-1]) == (0, count - 1)
    gaps = np.diff(found.steps[:-1])
    assert gaps.min() == gaps.max()
    assert len(found.lowest) == len(found.highest) == EXTREMES


def test_what_stands_off_is_told_with_its_step() -> None:
    rng = np.random.default_rng(1)
    logs = [log(step, *rng.normal(size=16)) for step in range(40)]
    found = account(*logs, log(40, *([100.0] + [0.1 * at for at in range(15)])), log(41, *rng.normal(size=16)))
    assert "40/0" in {row for anomaly in found.reliability.anomalies for row in anomaly.rows}


def test_it_does_not_matter_when_one_looks() -> None:
    rng = np.random.default_rng(2)
    logs = [log(step, *rng.normal(size=16)) for step in range(30)]
    record = RewardRecord()
    for one in logs:
        record.add(one)
        record.account()
    found, whole = record.account(), account(*logs)
    assert found is not None
    assert (found.steps, found.lowest, found.highest) == (whole.steps, whole.lowest, whole.highest)
    assert found.reliability.stability == whole.reliability.stability
    assert found.reliability.pattern == whole.reliability.pattern
