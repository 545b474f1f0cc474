"""What is no reward is refused with a sentence; what is a strange one is measured."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rldk_tui.analysis.rewards import RewardModelIntegrator
from rldk_tui.analysis.rewards.anomalies import AnomalyKind
from rldk_tui.analysis.rewards.patterns import PatternName
from rldk_tui.errors import UserError


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ({"rewards": "0.1"}, "rewards is the text '0.1', which is no list of numbers"),
        ({"rewards": 0.5}, "rewards is the number 0.5"),
        ({"rewards": None}, "rewards is a NoneType"),
        ({"rewards": ["high", "low"]}, "rewards[0] is the text 'high', which is no number"),
        ({"rewards": [0.1, [0.2]]}, "rewards[1] is a list"),
        ({"rewards": np.zeros((2, 2))}, "rewards[0] is a list"),
        ({"rewards": [0.1], "prompts": []}, "prompts holds 0 and rewards 1"),
        ({"rewards": [0.1], "completions": ["a", "b"]}, "completions holds 2 and rewards 1"),
        ({"rewards": [0.1], "other_rewards": [0.1, 0.2]}, "other_rewards holds 2 and rewards 1"),
        ({"rewards": [0.1], "prompts": "one prompt"}, "prompts is the text 'one prompt', which is no list"),
        ({"rewards": [0.1], "step": -1}, "step is -1"),
        ({"rewards": [0.1], "step": 1.5}, "step is the number 1.5"),
    ],
)
def test_it_is_said_what_is_wrong(call: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        RewardModelIntegrator().monitor_reward_model(**{"step": 1, **call})
    assert isinstance(caught.value, UserError)
    assert caught.value.hint


@pytest.mark.parametrize("how", [{"window": 10}, {"window": "1000"}, {"reward_range": (1.0, 0.0)}])
def test_settings_that_are_none(how: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(how))):
        RewardModelIntegrator(**how)


@pytest.mark.parametrize(
    "rewards", [[], [0.3], [None], [math.nan] * 8, [None, math.nan, math.inf], np.array([]), (True, False)]
)
def test_hardly_any_rewards_are_not_enough(rewards: Any) -> None:
    result = RewardModelIntegrator().monitor_reward_model(rewards, 0)
    assert result.pattern.name is PatternName.NOT_ENOUGH
    assert result.variance.mean is None or math.isfinite(result.variance.mean)


def test_what_is_no_number_is_counted_and_left_out() -> None:
    result = RewardModelIntegrator().monitor_reward_model([1.0, None, math.nan, math.inf, -math.inf, 2.0], 4)
    assert (result.seen, result.variance.mean) == (2, 1.5)
    assert [(one.kind, one.count, one.rows) for one in result.anomalies] == [
        (AnomalyKind.NOT_FINITE, 2, ("4/3", "4/4")),
        (AnomalyKind.UNSCORED, 2, ("4/1", "4/2")),
    ]


def test_conversations_of_any_shape_and_texts_of_any_length() -> None:
    prompts = [
        [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "what is it?"}]}],
        [{"role": "user", "content": "hi"}],
        None,
        "plain \ud800",
    ]
    completions = [[{"role": "assistant", "content": "a cat"}], "", "x" * 1_000_000, "\ufffd"]
    integrator = RewardModelIntegrator()
    integrator.monitor_reward_model([0.1, 0.2, 0.3, 0.4], 1, prompts, completions)
    again = integrator.monitor_reward_model([0.1, 0.2, 0.3, 0.4], 2, prompts, completions)
    assert (again.consistency.same.compared, again.consistency.same.differing) == (4, 0.0)


def test_tensors_are_lists_of_numbers() -> None:
    torch = pytest.importorskip("torch")
    for rewards in (torch.tensor([0.5, 1.5]), torch.tensor([0.5, 1.5], dtype=torch.bfloat16), [torch.tensor(0.5), 1.5]):
        assert RewardModelIntegrator().monitor_reward_model(rewards, 1).variance.mean == 1.0


@given(
    st.lists(
        st.lists(st.one_of(st.none(), st.floats(), st.integers(-(10**400), 10**400), st.booleans()), max_size=80),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=40)
def test_any_rewards_are_survived(batches: list[list[Any]]) -> None:
    integrator = RewardModelIntegrator(window=200)
    for step, batch in enumerate(batches):
        result = integrator.monitor_reward_model(batch, step, ["p"] * len(batch), ["c"] * len(batch), other_rewards=batch)
    assert result.window <= 200
