"""Advantages that are not centred, or of the wrong size."""

from __future__ import annotations

import pytest

from rldk_tui.events import Algorithm
from tests.builders import RunBuilder, a_run, findings, only

RULE = "advantage-degenerate"


def advantages(mean: float, spread: float, batches: int = 20, scale: str = "group") -> RunBuilder:
    run = a_run(Algorithm.GRPO, config={"scale_rewards": scale})
    run = run.with_metric("samples/advantage_mean", [0.0] * 10 + [mean] * batches)
    return run.with_metric("samples/advantage_std", [0.94] * 10 + [spread] * batches)


@pytest.mark.parametrize(
    ("mean", "spread", "speaks"),
    [(0.09, 0.94, False), (0.11, 0.94, True), (-0.11, 0.94, True), (0.0, 0.51, False), (0.0, 0.49, True), (0.0, 2.1, True)],
)
def test_the_limits(mean: float, spread: float, speaks: bool) -> None:
    assert bool(findings(RULE, advantages(mean, spread))) is speaks


def test_onset_and_detection() -> None:
    found = only(RULE, advantages(-0.4, 0.94))
    assert (found.first_step, found.detected_step) == (11, 15)
    assert "a mean of -0.4" in found.summary


def test_four_batches_of_ten_are_silent() -> None:
    assert not findings(RULE, advantages(0.5, 0.94, batches=4))


def test_where_nothing_is_divided_the_spread_is_the_rewards_own() -> None:
    assert not findings(RULE, advantages(0.0, 7.0, scale="none"))
