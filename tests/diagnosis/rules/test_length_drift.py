"""Longer and longer, and none the better."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.diagnosis.lengths import READS
from rldk_tui.events import Algorithm, Json, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "length-drift"


def drifting(
    length: np.ndarray, reward: np.ndarray, *, metric: str = READS[0], algorithm: Algorithm = Algorithm.GRPO, **config: Json
) -> RunBuilder:
    rng = np.random.default_rng(0)
    run = a_run(algorithm, config=config).with_metric("reward", reward + rng.normal(0, 0.02, reward.size))
    return run.with_metric(metric, length + rng.normal(0, 2, length.size))


def flat(logs: int) -> np.ndarray:
    return np.full(logs, 0.5)


@pytest.mark.parametrize("metric", READS)
def test_growth_under_a_flat_reward(metric: str) -> None:
    found = only(RULE, drifting(np.linspace(100, 220, 200), flat(200), metric=metric))
    assert found.severity is Severity.WARNING
    assert found.detected_step > 64


def test_the_limit_is_a_quarter() -> None:
    assert not findings(RULE, drifting(np.linspace(100, 124, 200), flat(200)))


def test_growth_while_the_reward_rises_is_silent() -> None:
    assert not findings(RULE, drifting(np.linspace(100, 400, 300), np.linspace(0.2, 0.9, 300)))


def test_growth_is_counted_from_where_the_reward_levelled_off() -> None:
    rise = np.concatenate((np.linspace(0.1, 0.9, 160), np.full(240, 0.9)))
    stops = np.concatenate((np.linspace(100, 300, 180), np.full(220, 300.0)))
    assert not findings(RULE, drifting(stops, rise))
    found = only(RULE, drifting(np.linspace(100, 700, 400), rise))
    assert found.first_step > 160
    assert found.detected_step >= 224


def test_a_steady_length_is_silent() -> None:
    assert not findings(RULE, drifting(np.full(400, 100.0), flat(400)))


def test_where_most_replies_are_cut_off_the_few_that_ended_say_nothing() -> None:
    run = drifting(np.linspace(100, 220, 200), flat(200)).with_metric("completions/clipped_ratio", [0.6] * 200)
    assert not findings(RULE, run)


def test_three_times_the_first_length_is_high_beside_another_finding() -> None:
    assert worst(RULE, drifting(np.linspace(100, 500, 300), flat(300))) is Severity.WARNING, "alone it only warns"


def test_the_loss_is_blamed_only_where_it_is_the_one() -> None:
    length = np.linspace(100, 220, 200)
    blamed = only(RULE, drifting(length, flat(200), loss_type="grpo"))
    assert [item.parameter for item in blamed.advice if item.parameter] == ["loss_type"]
    assert "divides" in (blamed.cause or "")
    assert not [item for item in only(RULE, drifting(length, flat(200), loss_type="dapo")).advice if item.parameter]


def test_trainers_without_a_reward_are_left_out() -> None:
    assert not findings(RULE, drifting(np.linspace(100, 220, 200), flat(200), algorithm=Algorithm.SFT))
