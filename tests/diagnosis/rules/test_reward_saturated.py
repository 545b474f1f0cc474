"""Full marks for all."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "reward-saturated"
LEARNED = [*np.linspace(0.2, 1.0, 40), *[1.0] * 20]


def at_the_top(spread: float, reward: list[float] | None = None, beside: dict[str, float] | None = None) -> RunBuilder:
    values = LEARNED if reward is None else reward
    run = a_run(Algorithm.GRPO).with_metric("reward", values)
    run = run.with_metric("reward_std", [0.3] * 40 + [spread] * (len(values) - 40))
    for name, value in (beside or {}).items():
        run = run.with_metric(name, [value] * len(values))
    return run


def test_the_limit_is_a_share_of_the_range_so_far() -> None:
    assert worst(RULE, at_the_top(0.0074)) is Severity.INFO
    assert not findings(RULE, at_the_top(0.0078))


def test_five_logs_in_a_row() -> None:
    found = only(RULE, at_the_top(0.001))
    assert found.detected_step == found.first_step + 4


@pytest.mark.parametrize(
    ("metric", "trick", "fine"),
    [("entropy", 0.04, 0.5), ("completions/clipped_ratio", 0.97, 0.5), ("samples/unique_in_group", 0.2, 0.5)],
)
def test_what_tells_a_trick_from_a_solved_task(metric: str, trick: float, fine: float) -> None:
    assert worst(RULE, at_the_top(0.001, beside={metric: trick})) is Severity.WARNING
    assert worst(RULE, at_the_top(0.001, beside={metric: fine})) is Severity.INFO


def test_below_its_height_or_never_moved_it_is_another_finding() -> None:
    assert not findings(RULE, at_the_top(0.001, [*np.linspace(0.2, 1.0, 40), *[0.6] * 20]))
    assert not findings(RULE, at_the_top(0.0, [1.0] * 60))


def test_early_logs_are_silent() -> None:
    run = a_run(Algorithm.GRPO).with_metrics(reward=[0.1, 0.5, 0.7] + [1.0] * 14, reward_std=[0.0] * 17)
    assert not findings(RULE, run)


def test_a_solved_pass_or_fail_task_with_a_miss_now_and_then_is_silent() -> None:
    run = at_the_top(0.2, [*np.linspace(0.2, 0.95, 40), *([1.0, 0.958] * 10)])
    assert not findings(RULE, run)


def test_the_words() -> None:
    solved, trick = only(RULE, at_the_top(0.001)), only(RULE, at_the_top(0.001, beside={"entropy": 0.01}))
    assert "height of 1" in solved.summary
    assert "harder prompts" in solved.advice[1].text
    assert "entropy was 0.01" in (trick.cause or "")
    assert "constant" in (only(RULE, at_the_top(0.0)).cause or "")
    assert "Go back" in trick.advice[1].text
