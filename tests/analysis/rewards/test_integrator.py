"""Rewards in, and out what they say of the reward."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rldk_tui.analysis.rewards import RewardModelIntegrator, RewardReliability
from rldk_tui.analysis.rewards.anomalies import AnomalyKind
from rldk_tui.analysis.rewards.patterns import PatternName
from rldk_tui.analysis.rewards.stability import Shift
from rldk_tui.events import Measured, decode_line
from rldk_tui.metrics.samples import SAMPLES

RNG = np.random.default_rng(20)
STEPS = 80


def followed(batches: Any, **how: Any) -> RewardReliability:
    integrator = RewardModelIntegrator(**how)
    results = [integrator.monitor_reward_model(batch, step) for step, batch in enumerate(batches)]
    return results[-1]


def noise(level: Any = 0.0, spread: float = 1.0, steps: int = STEPS) -> list[list[float]]:
    levels = np.broadcast_to(level, steps)
    return [RNG.normal(one, spread, 64).tolist() for one in levels]


def test_steady_rewards_are_stable_and_a_plateau() -> None:
    result = followed(noise())
    assert result.stability.verdict is Shift.STABLE
    assert (result.pattern.name, result.trend.direction) == (PatternName.PLATEAU, 0)
    assert (result.seen, result.window) == (64 * STEPS, 1000)
    assert not result.anomalies
    assert not result.recommendations


@pytest.mark.parametrize(
    ("batches", "name"),
    [
        (noise(np.linspace(0, 2, STEPS)), PatternName.IMPROVING),
        (noise(np.linspace(2, 0, STEPS)), PatternName.DECLINING),
        (noise(np.where(np.arange(STEPS) < 50, 0.0, 1.5)), PatternName.STEP_CHANGE),
        (noise(0.6 * np.sin(np.arange(STEPS) * 2 * np.pi / 12)), PatternName.OSCILLATING),
        ([*noise(steps=40), *noise(0.3, 0.01, steps=40)], PatternName.COLLAPSED),
        ([[0.7] * 64] * 20, PatternName.COLLAPSED),
        ([RNG.choice([0.0, 1.0], 64, p=[0.7, 0.3]).tolist()] * 20 + [[1.0] * 64] * 40, PatternName.SATURATED),
        ([(RNG.normal(0, 0.4, 64) + RNG.choice([0.0, 3.0], 64)).tolist() for _ in range(STEPS)], PatternName.BIMODAL),
        ([RNG.standard_t(2, 64).tolist() for _ in range(STEPS)], PatternName.HEAVY_TAILED),
    ],
    ids=lambda value: str(value) if isinstance(value, PatternName) else "",
)
def test_patterns_come_with_evidence(batches: list[list[float]], name: PatternName) -> None:
    found = followed(batches).pattern
    held = {one.name: one for one in (found, *found.also)}
    assert name in held
    assert held[name].confidence >= 0.5
    assert held[name].evidence
    assert held[name].numbers


def test_a_second_heap_is_no_tail() -> None:
    heaps = [np.where(RNG.random(64) < 0.15, RNG.normal(-1, 0.05, 64), RNG.normal(1, 0.05, 64)).tolist() for _ in range(STEPS)]
    found = followed(heaps).pattern
    assert found.name is PatternName.BIMODAL
    assert PatternName.HEAVY_TAILED not in {other.name for other in found.also}


def test_few_rewards_are_not_enough_for_anything() -> None:
    result = followed([[0.1, 0.2, 0.9]] * 5)
    assert result.pattern.name is PatternName.NOT_ENOUGH
    assert result.stability.verdict is Shift.NOT_ENOUGH
    assert result.trend.direction is None


def test_a_distribution_that_moved_is_told_with_its_effect() -> None:
    integrator = RewardModelIntegrator()
    verdicts = []
    for step, batch in enumerate([*noise(steps=40), *noise(1.0, steps=9)]):
        found = integrator.monitor_reward_model(batch, step).stability
        verdicts.append(found.verdict)
    assert Shift.LARGE not in verdicts[:40]
    assert found.recent is not None
    assert found.recent.verdict is Shift.LARGE
    assert found.recent.shift == pytest.approx(1.0, abs=0.3)
    assert found.recent.psi > found.recent.psi_by_chance


@given(
    st.lists(st.lists(st.floats(-5, 5), min_size=1, max_size=40), min_size=1, max_size=25),
    st.integers(1, 7),
    st.integers(200, 300),
)
@settings(max_examples=25)
def test_a_step_in_pieces_is_the_same_as_at_once(batches: list[list[float]], size: int, window: int) -> None:
    whole, pieces = RewardModelIntegrator(window=window), RewardModelIntegrator(window=window)
    for step, batch in enumerate(batches):
        texts = [f"{value:.1f}" for value in batch]
        one = whole.monitor_reward_model(batch, step, ["p"] * len(batch), texts)
        for low in range(0, len(batch), size):
            cut = slice(low, low + size)
            other = pieces.monitor_reward_model(batch[cut], step, ["p"] * len(batch[cut]), texts[cut])
    for name in ("stability", "variance", "trend", "pattern", "seen", "window"):
        assert repr(getattr(one, name)) == repr(getattr(other, name))
    assert one.consistency.same.compared == other.consistency.same.compared


def test_what_might_be_a_shift_and_might_be_chance_is_not_called_stable() -> None:
    levels = np.array([0.0, 0.1, -0.1, 0.05, 0.9, 0.7, 1.0])
    result = followed([RNG.normal(level, 0.05, 24).tolist() for level in levels])
    assert result.stability.recent is not None
    assert result.stability.recent.ks > 0.5
    assert result.stability.verdict is Shift.NOT_ENOUGH


def test_memory_is_bounded() -> None:
    integrator = RewardModelIntegrator(window=200)
    for step in range(400):
        result = integrator.monitor_reward_model(RNG.normal(size=64), step, ["p"] * 64, [f"{step} {row}" for row in range(64)])
    held = integrator._watch._window
    assert (held.rewards.size, held.first.size, held.means.size) == (200, 200, 256)
    assert result.seen == 400 * 64


def test_same_replies_are_to_get_the_same_reward() -> None:
    integrator = RewardModelIntegrator()
    replies = [f"reply {row}" for row in range(64)]
    rewards = RNG.normal(size=64)
    integrator.monitor_reward_model(rewards, 1, ["p"] * 64, replies)
    steady = integrator.monitor_reward_model(rewards + 1e-4, 2, ["p"] * 64, replies).consistency
    assert (steady.same.compared, steady.same.differing) == (64, 0.0)
    wild = integrator.monitor_reward_model(rewards[::-1], 3, ["p"] * 64, replies)
    assert (wild.consistency.same.differing or 0.0) > 0.4
    assert wild.consistency.same.rows[0].startswith("3/")
    assert wild.recommendations[0].parameter == "reward_funcs"


def test_near_duplicates_differ_in_case_space_and_punctuation_only() -> None:
    integrator = RewardModelIntegrator()
    first = [f"The answer is {row}." for row in range(32)]
    integrator.monitor_reward_model(RNG.normal(size=32), 1, ["p"] * 32, first)
    again = [text.upper().replace(".", " !") for text in first]
    found = integrator.monitor_reward_model(RNG.normal(size=32) + 9, 2, ["p"] * 32, again).consistency
    assert found.same.compared == 0
    assert (found.near.compared, found.near.differing) == (32, 1.0)


def test_the_same_reply_to_another_prompt_is_another() -> None:
    integrator = RewardModelIntegrator()
    integrator.monitor_reward_model([0.0, 1.0], 1, ["p", "q"], ["same", "same"])
    assert integrator.monitor_reward_model([1.0], 2, ["r"], ["same"]).consistency.same.compared == 0


def test_two_rewards_agree_or_not() -> None:
    rewards, prompts = RNG.normal(size=64), [f"p{row // 8}" for row in range(64)]
    alike = (
        RewardModelIntegrator().monitor_reward_model(rewards, 1, prompts, other_rewards=rewards * 2 + 1).consistency.agreement
    )
    assert alike.rho == pytest.approx(0.99, abs=0.01)
    assert alike.groups == 8
    against = RewardModelIntegrator().monitor_reward_model(rewards, 1, prompts, other_rewards=-rewards)
    assert against.consistency.agreement.high < 0
    assert any(advice.parameter == "reward_weights" for advice in against.recommendations)


def test_a_reward_of_the_question_is_told_from_one_of_the_answer() -> None:
    prompts = [f"p{row // 8}" for row in range(128)]
    questions = np.repeat(RNG.normal(size=16), 8)
    result = RewardModelIntegrator().monitor_reward_model(questions + RNG.normal(0, 0.05, 128), 1, prompts)
    assert result.variance.query_dominated
    assert any(advice.parameter == "scale_rewards" for advice in result.recommendations)
    answers = RewardModelIntegrator().monitor_reward_model(RNG.normal(size=128), 1, prompts)
    assert answers.variance.query_dominated is False


def test_groups_without_a_difference_are_counted() -> None:
    prompts = [f"p{row // 4}" for row in range(64)]
    rewards = [float(row // 4 % 2 and row % 4 == 0) for row in range(64)]
    found = RewardModelIntegrator().monitor_reward_model(rewards, 1, prompts).variance
    assert (found.tied_groups, found.groups, found.distinct, found.discrete) == (0.5, 16, 2, True)


def test_replies_to_one_prompt_at_two_steps_are_two_groups() -> None:
    integrator = RewardModelIntegrator()
    integrator.monitor_reward_model([0.0] * 4, 1, ["p"] * 4)
    found = integrator.monitor_reward_model([1.0] * 4, 2, ["p"] * 4).variance
    assert (found.groups, found.tied_groups) == (2, 1.0)


def test_what_may_be_a_shift_since_the_start_is_not_called_stable() -> None:
    rng, integrator, said = np.random.default_rng(0), RewardModelIntegrator(window=200), set()
    for step in range(70):  # noise about 0, a value of its own for each step, and from step 40 on a constant
        rewards = [1.0] * 8 if step >= 40 else rng.normal(size=1).tolist() * 8
        found = integrator.monitor_reward_model(rewards, step).stability
        if found.recent is not None and found.since_start is not None:
            said.add((found.recent.verdict, found.since_start.verdict, found.verdict))
    assert (Shift.STABLE, Shift.NOT_ENOUGH, Shift.NOT_ENOUGH) in said


def test_an_outlier_names_its_row() -> None:
    integrator = RewardModelIntegrator()
    for step, batch in enumerate(noise(steps=10)):
        integrator.monitor_reward_model(batch, step)
    found = integrator.monitor_reward_model([*([0.0] * 5), 500.0, 0.1], 10).anomalies
    assert [(one.kind, one.rows, one.value) for one in found] == [(AnomalyKind.OUTLIER, ("10/5",), 500.0)]


def test_a_resumed_training_forgets_what_comes_after_its_checkpoint() -> None:
    integrator = RewardModelIntegrator()
    for step, batch in enumerate(noise(steps=10)):
        integrator.monitor_reward_model(batch, step)
    result = integrator.monitor_reward_model([0.0] * 64, 5)
    assert (result.window, result.trend.steps) == (6 * 64, 6)


def test_rewards_outside_what_the_reward_model_gave() -> None:
    integrator = RewardModelIntegrator(reward_range=(-1.0, 1.0))
    assert integrator.monitor_reward_model([0.0, 2.0, -3.0, math.nan, 1.0], 1).outside_range == 0.5


def test_what_is_measured_is_in_the_runs_log_by_names_of_the_catalogue(tmp_path: Path) -> None:
    integrator = RewardModelIntegrator(tmp_path, reward_range=(0.0, 1.0))
    for step, batch in enumerate(noise(steps=20)):
        batch[3] = 900.0 if step == 19 else batch[3]
        integrator.monitor_reward_model(batch, step, [f"p{row // 8}" for row in range(64)], ["reply"] * 64, other_rewards=batch)
    integrator.close()
    lines = (tmp_path / "rldk" / "events-rewards.jsonl").read_bytes().splitlines()
    events = [decode_line(line) for line in lines]
    last = events[-1]
    assert isinstance(last, Measured)
    assert [event.step for event in events if isinstance(event, Measured)] == list(range(20))
    windows = {row.name for row in SAMPLES if row.name.startswith("samples/window_")}
    assert set(last.values) == windows | {"samples/rm_outside_range"}
    assert last.named["samples/window_outliers"] == ("19/3",)
    assert integrator.lost is None


def test_a_log_that_cannot_be_written_is_told_and_nothing_is_raised(tmp_path: Path) -> None:
    (tmp_path / "rldk").write_text("a file where the folder should be")
    integrator = RewardModelIntegrator(tmp_path)
    assert integrator.monitor_reward_model([0.1, 0.2], 1).seen == 2
    assert "Error" in (integrator.lost or "")
