"""What a run tells of its reward, in words for this run."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rldk_tui.analysis.reward_record import RewardRecord
from rldk_tui.analysis.reward_reliability import reliability
from rldk_tui.events import Algorithm, Completion, Completions
from tests.builders import a_run


@pytest.mark.parametrize(
    ("algorithm", "scale", "told"),
    [
        (None, None, ("scale_rewards", None, "group")),
        (Algorithm.GRPO, "batch", ("scale_rewards", "batch", "group")),
        (Algorithm.GRPO, "group", None),
        (Algorithm.PPO, None, (None, None, None)),
    ],
)
def test_what_to_set_is_what_this_trainer_has_and_is_not_set_already(
    algorithm: Algorithm | None, scale: str | None, told: tuple[str | None, ...] | None
) -> None:
    rng, record = np.random.default_rng(0), RewardRecord()
    for step in range(5):
        rewards = np.where(rng.random(64) < 0.5, 0.0, 10.0) + rng.normal(size=64)
        rows = tuple(
            Completion(prompt=f"p{at // 4}", completion=f"{step}/{at}", rewards={"r": float(reward)})
            for at, reward in enumerate(rewards)
        )
        record.add(Completions(time=math.nan, step=step, rows=rows))
    config = {"scale_rewards": scale} if scale else {}
    found = reliability(record.account(), a_run(algorithm, config=config).with_metric("reward", [1.0]).snapshot())
    assert found is not None
    assert found.aspects[0].told == "bimodal"
    advice = [(one.parameter, one.current, one.proposed) for one in found.advice if "two heaps" in one.text]
    assert advice == ([told] if told else [])
