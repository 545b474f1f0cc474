"""The same few prompts again and again."""

from __future__ import annotations

import random

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "duplicate-prompts"


def prompts(first: list[float], different: float = 3.0, replies: int | None = 8, again: int = 1) -> RunBuilder:
    config = {} if replies is None else {"num_generations": replies}
    size = len(first) * again
    run = a_run(Algorithm.GRPO, config=config).with_metric("samples/count", [24.0] * size)
    run = run.with_metric("samples/distinct_prompts", [different] * size)
    run = run.with_metric("samples/batch_mark", [float(index // again) for index in range(size)])
    return run.with_metric("samples/prompt_mark", [mark for mark in first for _ in range(again)])


ALWAYS_NEW = [float(index) for index in range(60)]


@pytest.mark.parametrize(("different", "severity"), [(3.0, None), (2.0, None), (1.0, Severity.WARNING)])
def test_different_prompts_within_a_batch(different: float, severity: Severity | None) -> None:
    assert worst(RULE, prompts(ALWAYS_NEW, different)) is severity


def test_copies_are_known_after_five_batches() -> None:
    found = only(RULE, prompts([5.0] * 60, 1.0))
    assert (found.first_step, found.detected_step) == (1, 5)
    assert "33 % of the groups" in found.summary
    assert "shuffle_dataset" not in [item.parameter for item in found.advice], "the config tells that there is no such setting"


@pytest.mark.parametrize(("many", "speaks"), [(1, True), (4, True), (16, False), (288, False)])
def test_a_handful_of_prompts_from_batch_to_batch(many: int, speaks: bool) -> None:
    rng = random.Random(many)
    drawn = [float(rng.randrange(many)) for _ in range(60)]
    assert bool(findings(RULE, prompts(drawn, replies=None))) is speaks


def test_one_prompt_is_known_after_eight_batches() -> None:
    assert only(RULE, prompts([5.0] * 30, replies=None)).detected_step == 8


def test_a_batch_that_is_trained_on_again_holds_no_new_prompts() -> None:
    assert not findings(RULE, prompts(ALWAYS_NEW[:12], again=10))


def test_a_trainer_without_prompts_is_left_out() -> None:
    run = a_run(Algorithm.SFT).with_metric("samples/distinct_prompts", [1.0] * 30)
    assert not findings(RULE, run.with_metric("samples/prompt_mark", [5.0] * 30))
