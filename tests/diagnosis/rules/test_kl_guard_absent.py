"""A learned reward without a KL penalty."""

from __future__ import annotations

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, diagnosis_of, findings, only, worst

RULE = "kl-guard-absent"
MODEL = {"beta": 0.0, "reward_funcs": ["org/reward-model"], "eval_strategy": "no"}


@pytest.mark.parametrize(
    ("settings", "severity"),
    [
        ({}, Severity.WARNING),
        ({"beta": 0.001}, None),
        ({"eval_strategy": "steps"}, Severity.INFO),
        ({"reward_funcs": ["org/reward-model", "accuracy_reward"]}, None),
        ({"reward_funcs": ["accuracy_reward"]}, None),
        ({"reward_funcs": None}, None),
        ({"reward_funcs": None, "reward_model_name_or_path": "org/reward-model"}, Severity.WARNING),
    ],
)
def test_only_a_model_that_pays_alone_without_a_penalty(settings: dict[str, object], severity: Severity | None) -> None:
    assert worst(RULE, a_run(Algorithm.GRPO, config={**MODEL, **settings})) is severity


def test_ppo_always_has_a_reward_model() -> None:
    assert worst(RULE, a_run(Algorithm.PPO, config={"kl_coef": 0.0})) is Severity.WARNING
    assert not findings(RULE, a_run(Algorithm.PPO, config={"kl_coef": 0.05}))


@pytest.mark.parametrize("config", [{"beta": 0.0}, {"beta": 0.0, "reward_funcs": ["length_reward"]}])
def test_an_unknown_or_checked_reward_is_not_for_it(config: dict[str, object]) -> None:
    (silent,) = diagnosis_of(RULE, a_run(Algorithm.GRPO, config=config)).not_evaluated
    assert not silent.applicable


def test_the_penalty_proposed_is_the_trainers() -> None:
    for algorithm, parameter, proposed in ((Algorithm.GRPO, "beta", "0.01"), (Algorithm.PPO, "kl_coef", "0.05")):
        config = {**MODEL, "kl_coef": 0.0} if algorithm is Algorithm.PPO else MODEL
        advice = only(RULE, a_run(algorithm, config=config)).advice[0]
        assert (advice.parameter, advice.proposed, advice.current) == (parameter, proposed, 0.0)
