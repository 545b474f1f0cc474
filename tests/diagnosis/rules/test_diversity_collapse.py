"""The same answer to everything."""

from __future__ import annotations

import pytest

from rldk_tui.events import Algorithm
from tests.builders import RunBuilder, Value, a_run, findings, only

RULE = "diversity-collapse"
EVERY_OTHER: list[Value] = [0.8, ...]
RARE: list[Value] = [0.1]
USUAL = {"unique_in_group": 1.0, "similarity_across_prompts": 0.05, "distinct_2": 0.8, "length_mean": 100.0}


def replies(before: dict[str, float], after: dict[str, float], batches: int = 20) -> RunBuilder:
    run = a_run(Algorithm.GRPO, config={"temperature": 1.0}).with_metric("samples/count", [24.0] * (10 + batches))
    for name, usual in USUAL.items():
        start = before.get(name, usual)
        run = run.with_metric(f"samples/{name}", [start] * 10 + [after.get(name, start)] * batches)
    return run


@pytest.mark.parametrize(
    ("before", "after", "speaks"),
    [
        ({}, {"unique_in_group": 0.26}, False),
        ({}, {"unique_in_group": 0.24}, True),
        ({"unique_in_group": 0.4}, {"unique_in_group": 0.22}, False),
        ({}, {"similarity_across_prompts": 0.59}, False),
        ({}, {"similarity_across_prompts": 0.61}, True),
        ({"similarity_across_prompts": 0.5}, {"similarity_across_prompts": 0.7}, False),
        ({}, {"distinct_2": 0.41}, False),
        ({}, {"distinct_2": 0.39}, True),
        ({}, {"distinct_2": 0.25, "length_mean": 400.0}, False),
        ({}, {"distinct_2": 0.19, "length_mean": 400.0}, True),
        ({}, {"distinct_2": 0.41, "length_mean": 25.0}, False),
    ],
)
def test_the_limits_and_what_is_usual_in_the_run(before: dict[str, float], after: dict[str, float], speaks: bool) -> None:
    assert bool(findings(RULE, replies(before, after))) is speaks


def test_onset_and_detection() -> None:
    found = only(RULE, replies({}, {"distinct_2": 0.1}))
    assert (found.first_step, found.detected_step) == (11, 15)
    assert "12 % of the word pairs" in found.summary


def test_four_batches_of_ten_are_silent() -> None:
    assert not findings(RULE, replies({}, {"unique_in_group": 0.0}, batches=4))


def test_a_measure_that_cannot_be_taken_of_every_batch() -> None:
    run = a_run(Algorithm.GRPO).with_metric("samples/count", [24.0] * 60)
    run = run.with_metric("samples/distinct_2", EVERY_OTHER * 15 + RARE * 30)
    assert only(RULE, run).first_step == 31


def test_sampling_that_narrows_is_named() -> None:
    run = a_run(Algorithm.GRPO, config={"temperature": 0.1}).with_metric("samples/count", [24.0] * 30)
    found = only(RULE, run.with_metric("samples/distinct_2", [0.8] * 10 + [0.1] * 20))
    assert "temperature 0.1" in (found.cause or "")
