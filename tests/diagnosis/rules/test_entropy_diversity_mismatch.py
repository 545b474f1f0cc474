"""A high entropy, and replies that are all the same."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rldk_tui.events import Algorithm, Json, Severity
from tests.builders import RunBuilder, Value, a_run, diagnosis_of, findings, only, worst

RULE = "entropy-diversity-mismatch"
NARROW: dict[str, Json] = {"top_k": 3}


def replies(unique: Sequence[Value], entropy: float = 3.0, config: dict[str, Json] | None = None) -> RunBuilder:
    run = a_run(Algorithm.GRPO, config=config).with_metric("entropy", [entropy] * len(unique))
    return run.with_measured("samples/unique_in_group", unique)


def groups(alike: float = 1.0, reward: Sequence[Value] = (0.2, 0.8), config: dict[str, Json] | None = NARROW) -> RunBuilder:
    run = a_run(Algorithm.GRPO, config=config).with_metric("entropy", [3.0] * 20)
    return run.with_metric("frac_reward_zero_std", [alike] * 20).with_metric("reward", list(reward) * 10)


@pytest.mark.parametrize(
    ("unique", "entropy", "severity"), [(0.24, 1.01, Severity.HIGH), (0.26, 1.01, None), (0.24, 0.99, None)]
)
def test_the_limits(unique: float, entropy: float, severity: Severity | None) -> None:
    assert worst(RULE, replies([unique] * 20, entropy)) is severity


def test_onset_and_detection() -> None:
    found = only(RULE, replies([1.0] * 10 + [0.125] * 10))
    assert (found.first_step, found.detected_step) == (11, 15)
    assert not findings(RULE, replies([1.0, 1.0, 0.1] * 10))


@pytest.mark.parametrize("config", [{"top_k": 3}, {"top_p": 0.4}, {"temperature": 0.1}, {"generation_kwargs": {"top_k": 5}}])
def test_without_replies_equal_rewards_stand_in_under_a_narrow_sampler(config: dict[str, Json]) -> None:
    assert worst(RULE, groups(config=config)) is Severity.HIGH
    assert not findings(RULE, groups(alike=0.7, config=config))


@pytest.mark.parametrize("config", [{}, {"top_k": 0, "top_p": 1.0, "temperature": 1.0}, {"top_k": 50}])
def test_under_a_wide_sampler_equal_rewards_are_the_rewards_doing(config: dict[str, Json]) -> None:
    assert not findings(RULE, groups(config=config))


def test_a_constant_reward_is_silent() -> None:
    assert not findings(RULE, groups(reward=(1.0, 1.0)))


def test_replies_on_record_decide() -> None:
    assert not findings(RULE, groups().with_measured("samples/unique_in_group", [1.0] * 20))


def test_without_entropy_or_groups_it_is_not_evaluated() -> None:
    assert not diagnosis_of(RULE, a_run(Algorithm.GRPO).with_measured("samples/unique_in_group", [0.1] * 20)).evaluated
    assert not diagnosis_of(RULE, a_run(Algorithm.PPO).with_metric("entropy", [3.0] * 20)).evaluated


def test_the_words() -> None:
    found = only(RULE, groups(config={"top_k": 3}))
    assert "100 % of the groups" in found.summary
    assert "top_k=3" in (found.cause or "")
    assert [(item.parameter, item.proposed) for item in found.advice] == [("top_k", "0")]
    unknown = only(RULE, replies([0.125] * 20))
    assert "seed" in unknown.advice[1].text
