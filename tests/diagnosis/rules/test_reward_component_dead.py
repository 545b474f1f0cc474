"""A reward function that prefers nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rldk_tui.diagnosis.rules.reward_component_dead import LIMITS
from rldk_tui.events import Algorithm, Json, Severity
from tests.builders import RunBuilder, Value, a_run, findings, only, worst

RULE = "reward-component-dead"
N = LIMITS.logs


def function(name: str, means: Sequence[Value], stds: Sequence[Value], config: dict[str, Json] | None = None) -> RunBuilder:
    run = a_run(Algorithm.GRPO, config=config).with_metric(f"rewards/{name}/mean", means)
    return run.with_metric(f"rewards/{name}/std", stds)


def beside(run: RunBuilder, logs: int = N) -> RunBuilder:
    return run.with_metric("rewards/right/mean", [0.2, 0.4] * (logs // 2)).with_metric("rewards/right/std", [0.4] * logs)


def test_the_limits() -> None:
    assert not findings(RULE, function("strict", [0.0] * N, [0.0] * (N - 1) + [1e-6]))
    assert not findings(RULE, function("strict", [0.0] * (N - 1), [0.0] * (N - 1)))
    found = only(RULE, function("strict", [0.2] * 5 + [0.0] * N, [0.1] * 5 + [0.0] * N))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.WARNING, 6, N + 5)


def test_logs_that_average_need_half_as_many() -> None:
    run = function("strict", [0.0] * 15, [0.0] * 15, {"logging_steps": 10})
    assert worst(RULE, run) is Severity.WARNING


@pytest.mark.parametrize(
    ("name", "level", "severity"),
    [
        ("strict_format", 0.0, Severity.WARNING),
        ("strict_format", 1.0, Severity.INFO),
        ("format", -1.0, Severity.WARNING),
        ("length_penalty", 0.0, Severity.INFO),
        ("length_penalty", -1.0, Severity.WARNING),
    ],
)
def test_one_that_never_moved_beside_others(name: str, level: float, severity: Severity) -> None:
    assert only(RULE, beside(function(name, [level] * N, [0.0] * N))).severity is severity


def test_alone_a_constant_is_a_dead_reward_whatever_it_says() -> None:
    assert worst(RULE, function("always", [1.0] * N, [0.0] * N)) is Severity.WARNING


def test_one_that_rose_to_its_highest_has_converged() -> None:
    assert worst(RULE, function("format", [0.1, 0.5] + [1.0] * N, [0.3, 0.5] + [0.0] * N)) is Severity.INFO
    assert worst(RULE, function("format", [0.1, 0.5] + [0.0] * N, [0.3, 0.5] + [0.0] * N)) is Severity.WARNING


def test_one_that_is_only_watched_is_silent() -> None:
    assert not findings(RULE, beside(function("watched", [0.0] * N, [0.0] * N, {"reward_weights": [0.0, 0.0]})).with_metric(
        "reward", [0.0] * N))  # fmt: skip


def test_trainers_without_functions_are_left_out() -> None:
    run = a_run(Algorithm.PPO).with_metric("rewards/a/mean", [0.0] * N).with_metric("rewards/a/std", [0.0] * N)
    assert not findings(RULE, run)


def test_the_words() -> None:
    found = only(RULE, beside(function("strict", [0.0] * N, [0.0] * N)))
    assert found.summary.startswith("strict gave every reply the same number: 0, in at least 30 logs")
    assert len(found.advice) == 2
    converged = only(RULE, beside(function("strict", [1.0] * N, [0.0] * N)))
    assert "meet it" in (converged.cause or "")
