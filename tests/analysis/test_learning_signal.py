"""What share of the sampled work taught nothing, and what it cost."""

from __future__ import annotations

import math

import pytest

from rldk_tui.analysis.learning_signal import LearningSignal, learning_signal
from rldk_tui.events import Algorithm
from tests.builders import RunBuilder, a_run
from tests.tui.runs import health_of_run


def told(run: RunBuilder, most: int | None = None) -> LearningSignal:
    account = learning_signal(health_of_run(run).snapshot, most)
    assert isinstance(account, LearningSignal)
    return account


def test_the_last_hundred_logs_are_summed_up_and_held_against_those_before() -> None:
    account = told(a_run(Algorithm.GRPO).with_metrics(frac_reward_zero_std=[0.2] * 150 + [0.6] * 50))
    assert account.logs == 100
    assert account.share == pytest.approx(0.4)
    assert account.before == pytest.approx(0.2)
    assert told(a_run(Algorithm.GRPO).with_metrics(frac_reward_zero_std=[0.2] * 50)).before is None


def test_looking_at_the_end_alone_tells_the_same_of_it() -> None:
    run = a_run(Algorithm.GRPO).with_metrics(
        frac_reward_zero_std=[(step % 7) / 7 for step in range(500)], num_tokens=[10.0 * step for step in range(500)]
    )
    whole, end = told(run), told(run, 200)
    assert (whole.share, whole.before, whole.parts) == (end.share, end.before, end.parts)


def test_cut_replies_count_where_they_are_masked_and_shares_are_not_added_up() -> None:
    plain = (
        a_run(Algorithm.GRPO).with_metrics(frac_reward_zero_std=[0.3] * 20).with_metric("completions/clipped_ratio", [0.5] * 20)
    )
    masked = a_run(Algorithm.GRPO, config={"mask_truncated_completions": True})
    masked = masked.with_metrics(frac_reward_zero_std=[0.3] * 20).with_metric("completions/clipped_ratio", [0.5] * 20)
    assert told(plain).share == pytest.approx(0.3)
    assert told(plain).truncated == pytest.approx(0.5)
    assert told(masked).share == pytest.approx(0.5)


def test_cost_is_weighted_by_what_each_log_took() -> None:
    run = a_run(Algorithm.GRPO, world_size=4).with_metrics(
        frac_reward_zero_std=[0.0, 1.0, 0.0], num_tokens=[100.0, 400.0, 500.0], step_time=[1.0, 8.0, 1.0]
    )
    account = told(run)
    assert (account.tokens.wasted, account.tokens.total) == (300.0, 400.0)
    assert account.gpu_hours.wasted == pytest.approx(4 * 8 / 3600)
    assert math.isnan(told(a_run(Algorithm.GRPO).with_metrics(frac_reward_zero_std=[0.5] * 3)).tokens.total)


@pytest.mark.parametrize("algorithm", [Algorithm.DPO, Algorithm.PPO, Algorithm.SFT])
def test_a_trainer_without_groups_has_no_account(algorithm: Algorithm) -> None:
    assert isinstance(learning_signal(health_of_run(a_run(algorithm).with_metrics(loss=[1.0])).snapshot), str)


def test_nothing_logged_is_not_nothing_wasted() -> None:
    run = a_run(Algorithm.GRPO).with_metrics(frac_reward_zero_std=[math.nan, None])
    assert isinstance(learning_signal(health_of_run(run).snapshot), str)
    assert isinstance(learning_signal(health_of_run(a_run(Algorithm.GRPO)).snapshot), str)
