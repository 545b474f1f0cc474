"""A run's generations over its steps."""

from __future__ import annotations

import math

from rldk_tui.analysis.over_time import extremes, mean_reward, of_training, reward_heat, same_prompt
from rldk_tui.events import Completion, Completions, Phase


def log(step: int, *rewards: float | None, phase: Phase = Phase.TRAIN, prompt: str = "p") -> Completions:
    rows = tuple(
        Completion(prompt=prompt, completion=f"{step}/{index}", rewards={"r": reward}) for index, reward in enumerate(rewards)
    )
    return Completions(time=math.nan, step=step, phase=phase, rows=rows)


def test_the_extremes_of_all_steps() -> None:
    lowest, highest = extremes([log(1, 0.5, -3.0), log(2, 9.0, None, math.nan), log(3, 0.1)], 2)
    assert [(one.log.step, one.reward) for one in lowest] == [(1, -3.0), (3, 0.1)]
    assert [(one.log.step, one.reward) for one in highest] == [(2, 9.0), (1, 0.5)]


def test_of_equals_the_newest_and_a_text_once() -> None:
    same = Completions(time=0.0, step=3, rows=(Completion(prompt="p", completion="x", rewards={"r": 1.0}),) * 5)
    lowest, _ = extremes([log(1, 1.0), same], 3)
    assert [one.log.step for one in lowest] == [3, 1]


def test_an_evaluation_is_another_thing() -> None:
    logs = [log(1, 1.0), log(1, 0.0, phase=Phase.EVAL)]
    assert [one.phase for one in of_training(logs)] == [Phase.TRAIN]
    assert of_training(logs[1:]) == tuple(logs[1:])


def test_a_heat_map_needs_two_scored_steps() -> None:
    assert reward_heat([log(1, 1.0), log(2, None)], 5, 5) is None
    assert reward_heat([log(1, 1.0), log(2, 0.0)], 5, 5) is not None


def test_one_prompt_over_the_steps() -> None:
    found = same_prompt([log(1, 1.0, 0.0), log(2, 1.0, prompt="other"), log(3, 0.5)], "p", Phase.TRAIN)
    assert [(one.step, len(answers), mean_reward(answers)) for one, answers in found] == [(1, 2, 0.5), (3, 1, 0.5)]
    assert mean_reward([]) is None
