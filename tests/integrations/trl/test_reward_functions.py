"""A wrapped reward function is the same function to a trainer, and tells whoever listens to that training."""

from __future__ import annotations

import asyncio
import functools
import inspect
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rldk_tui.errors import UserError
from rldk_tui.integrations.trl import wrap_reward
from rldk_tui.integrations.trl.border import Border
from rldk_tui.integrations.trl.reward_functions import Scored, forget, listen
from rldk_tui.integrations.trl.scored_generations import ScoredGenerations


def short(prompts: list[str], completions: list[str], **_: Any) -> list[float | None]:
    """Shorter is better."""
    return [None if not text else 1.0 / len(text) for text, _ in zip(completions, prompts, strict=True)]


async def patient(completions: list[str], **_: Any) -> list[float]:
    await asyncio.sleep(0)
    return [float(len(text)) for text in completions]


class Judge:
    def __call__(self, completions: list[str], **_: Any) -> list[float]:
        return [0.0 for _ in completions]


def asked(state: Any, **more: Any) -> dict[str, Any]:
    return {"prompts": ["p", "p"], "completions": ["aa", ""], "completion_ids": [[4], []], "trainer_state": state, **more}


def heard(state: Any, call: Any) -> list[Scored]:
    told: list[Scored] = []
    listen(state, told.append)
    try:
        call()
    finally:
        forget(state)
    return told


def test_result_name_and_signature_are_the_functions_own() -> None:
    wrapped = wrap_reward(short)
    state = SimpleNamespace()
    assert wrapped(**asked(state)) == short(**asked(state)) == [0.5, None]
    assert wrapped.__name__ == "short"
    assert wrapped.__doc__ == short.__doc__
    assert inspect.signature(wrapped) == inspect.signature(short)


@pytest.mark.parametrize(
    ("function", "name"), [(functools.partial(functools.partial(short), scale=2), "short"), (Judge(), "Judge")]
)
def test_a_partial_and_an_object_keep_the_name_that_trl_gives_them(function: Any, name: str) -> None:
    trl_utils = pytest.importorskip("trl.trainer.utils")
    assert trl_utils.get_callable_name(wrap_reward(function)) == trl_utils.get_callable_name(function) == name


def test_two_functions_of_one_name_are_told() -> None:
    told: list[str] = []
    state = SimpleNamespace()
    gathering = ScoredGenerations(state, None, Border(told.append), 100)
    call = asked(state)
    for rewards in ([0.0, 1.0], [2.0, 3.0]):
        wrap_reward(lambda rewards=rewards, **_: rewards)(**call)
    gathering.close()
    assert len(told) == 1
    assert "several reward functions are called <lambda>" in told[0]


def test_an_async_function_stays_one_and_tells_when_it_is_done() -> None:
    wrapped, state = wrap_reward(patient), SimpleNamespace()
    assert inspect.iscoroutinefunction(wrapped)
    told = heard(state, lambda: asyncio.run(wrapped(**asked(state))))
    assert [(one.function, one.rewards) for one in told] == [("patient", (2.0, 0.0))]


def test_only_the_training_it_was_called_for_is_told() -> None:
    wrapped, mine, other = wrap_reward(short), SimpleNamespace(), SimpleNamespace()
    told = heard(mine, lambda: (wrapped(**asked(other)), wrapped(prompts=["p"], completions=["a"]), wrapped(**asked(mine))))
    assert [(one.function, list(one.completions), one.rewards) for one in told] == [("short", ["aa", ""], (0.5, None))]
    assert heard(mine, lambda: None) == []


def test_what_it_raises_is_raised_and_nothing_is_told() -> None:
    def broken(**_: Any) -> list[float]:
        raise ZeroDivisionError("theirs")

    state = SimpleNamespace()

    def call() -> None:
        with pytest.raises(ZeroDivisionError, match="theirs"):
            wrap_reward(broken)(**asked(state))

    assert heard(state, call) == []


def test_rewards_that_can_be_read_only_once_are_left_to_the_trainer() -> None:
    def lazily(completions: list[str], **_: Any) -> Any:
        return (float(len(text)) for text in completions)

    wrapped, state = wrap_reward(lazily), SimpleNamespace()
    given: list[Any] = []
    told = heard(state, lambda: given.extend(wrapped(**asked(state))))
    assert given == [2.0, 0.0]
    assert told[0].rewards is None


def test_an_array_of_rewards_is_read() -> None:
    def array(completions: list[str], **_: Any) -> Any:
        return np.array([len(text) for text in completions], np.float32)

    state = SimpleNamespace()
    assert heard(state, lambda: wrap_reward(array)(**asked(state)))[0].rewards == (2.0, 0.0)


def test_what_is_no_function_is_refused_when_it_is_wrapped() -> None:
    torch = pytest.importorskip("torch")
    mistakes: dict[str, Any] = {
        "names a model": "org/reward-model",
        "a list of 1": [short],
        "Linear": torch.nn.Linear(1, 1),
        "int": 3,
    }
    for named, wrong in mistakes.items():
        with pytest.raises(UserError, match=named):
            wrap_reward(wrong)
