"""A run's generations over its steps."""

from __future__ import annotations

import math

from rldk_tui.analysis.over_time import mean_reward, same_prompt
from rldk_tui.events import Completion, Completions, Phase


def log(step: int, *rewards: float | None, prompt: str = "p") -> Completions:
    rows = tuple(
        Completion(prompt=prompt, completion=f"{step}/{index}", rewards={"r": reward}) for index, reward in enumerate(rewards)
    )
    return Completions(time=math.nan, step=step, rows=rows)


def test_one_prompt_over_the_steps() -> None:
    found = same_prompt([log(1, 1.0, 0.0), log(2, 1.0, prompt="other"), log(3, 0.5)], "p", Phase.TRAIN)
    assert [(one.step, len(answers), mean_reward(answers)) for one, answers in found] == [(1, 2, 0.5), (3, 1, 0.5)]
    assert mean_reward([]) is None
