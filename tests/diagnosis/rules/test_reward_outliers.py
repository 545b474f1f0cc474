"""A few wild rewards."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rldk_tui.events import Algorithm
from tests.builders import RunBuilder, Value, a_run, findings, only

RULE = "reward-outliers"


def batches(extreme: Sequence[Value], farthest: Sequence[Value], **more: Sequence[Value]) -> RunBuilder:
    run = a_run(Algorithm.RLOO, config={"reward_clip_range": None})
    for name, values in {"reward_extreme": extreme, "reward_farthest": farthest, **more}.items():
        run = run.with_metric(f"samples/{name}", values)
    return run


def logs(spread: Sequence[Value], reward: Sequence[Value]) -> RunBuilder:
    return a_run(Algorithm.GRPO).with_metrics(reward_std=spread, reward=reward)


@pytest.mark.parametrize(("extreme", "speaks"), [(19.0, False), (21.0, True)])
def test_spreads_from_the_median(extreme: float, speaks: bool) -> None:
    run = batches([3.0] * 20 + [extreme] * 10, [0.5] * 20 + [9.0] * 10)
    assert bool(findings(RULE, run)) is speaks


def test_onset_and_detection_in_batches() -> None:
    found = only(RULE, batches([3.0] * 20 + [400.0] * 20, [0.5] * 20 + [90.0] * 20))
    assert (found.first_step, found.detected_step, found.open) == (21, 25, True)
    assert "400 times" in found.summary
    assert [item.parameter for item in found.advice][1] == "reward_clip_range"


@pytest.mark.parametrize(
    "run",
    [
        batches([3.0] * 20 + [30.0] * 20, [0.5] * 20 + [2.0] * 20),
        batches([...] * 40, [1.0] * 40),
        batches([3.0] * 20 + [400.0, 3.0, 3.0] * 8, [0.5] * 20 + [90.0, 0.5, 0.5] * 8),
        batches([3.0] * 30, [0.5] * 30, advantage_top_share=[0.9] * 30, count=[24.0] * 30),
    ],
    ids=["no farther than before", "pass or fail", "now and then", "one reply is no 1 %"],
)
def test_what_stays_silent_in_batches(run: RunBuilder) -> None:
    assert not findings(RULE, run)


def test_the_top_percent_of_a_large_batch() -> None:
    run = batches([3.0] * 30, [0.5] * 30, advantage_top_share=[0.4] * 30, count=[64.0] * 30)
    assert "top 1 %" in only(RULE, run).summary


def test_a_reward_without_end_is_told_in_words() -> None:
    found = only(RULE, batches([3.0] * 20 + [1e100] * 10, [0.5] * 20 + [1e100] * 10))
    assert "endlessly far" in found.summary


@pytest.mark.parametrize(("times", "speaks"), [(9.5, False), (10.5, True)])
def test_the_logged_spread(times: float, speaks: bool) -> None:
    assert bool(findings(RULE, logs([0.2] * 30 + [0.2 * times] * 10, [0.8] * 40))) is speaks


def test_onset_and_detection_in_the_log() -> None:
    found = only(RULE, logs([0.2] * 30 + [12.0, 0.2, 15.0, 9.0, 11.0], [0.8] * 35))
    assert (found.first_step, found.detected_step) == (31, 34)


@pytest.mark.parametrize(
    "run",
    [
        logs([0.2] * 30 + [12.0] * 10, [0.8] * 30 + [48.0] * 10),
        logs([0.2] * 25 + [0.001] * 80 + [0.05] * 20, [1.0] * 125),
        logs([0.2] * 10 + [12.0] * 10, [0.8] * 20),
        logs([0.2] * 30 + [12.0, 0.2, 0.2] * 5, [0.8] * 45),
        logs([0.0] * 30 + [0.5] * 10, [0.0] * 30 + [0.1] * 10),
    ],
    ids=["another scale moves the mean", "back from saturation", "too early", "now and then", "the first rewards there are"],
)
def test_what_stays_silent_in_the_log(run: RunBuilder) -> None:
    assert not findings(RULE, run)


def test_log_and_batches_are_one_finding() -> None:
    run = batches([3.0] * 20 + [400.0] * 20, [0.5] * 20 + [90.0] * 20)
    assert only(RULE, run.with_metrics(reward_std=[0.2] * 20 + [20.0] * 20, reward=[0.8] * 40)).first_step == 21


def test_trainers_without_rewards_of_replies_are_left_out() -> None:
    run = a_run(Algorithm.DPO).with_metrics(reward_std=[0.2] * 30 + [20.0] * 10, reward=[0.8] * 40)
    assert not findings(RULE, run)
