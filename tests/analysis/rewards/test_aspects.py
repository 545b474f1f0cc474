"""What was found of a reward, in words."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.analysis.rewards import RewardModelIntegrator
from rldk_tui.analysis.rewards.aspects import Aspect, aspects
from rldk_tui.analysis.rewards.model_aspects import aspects_of_model

RNG = np.random.default_rng(31)
PAIRS = {
    "samples/rm_pairs": 800.0,
    "eval/accuracy": 0.8,
    "eval/margin": 1.2,
    "samples/rm_ece": 0.03,
    "samples/rm_ece_low": 0.02,
    "samples/rm_overconfidence": 0.01,
    "samples/rm_brier": 0.15,
    "samples/rm_length_bias": 0.1,
    "samples/rm_length_bias_low": 0.05,
    "samples/rm_far_apart": 0.01,
    "samples/rm_label_noise": 0.03,
    "samples/rm_score_low": -4.0,
    "samples/rm_score_high": 5.0,
}


def of_policy(rewards: list[list[float]], same_text: bool = False) -> dict[str, Aspect]:
    integrator = RewardModelIntegrator()
    for step, batch in enumerate(rewards):
        prompts = [f"{0 if same_text else step} {row // 8}" for row in range(len(batch))]
        replies = [f"reply {row}" for row in range(len(batch))]
        found = integrator.monitor_reward_model(batch, step, prompts, replies)
    return {aspect.name: aspect for aspect in aspects(found)}


def test_a_steady_reward_is_no_trouble() -> None:
    told = of_policy([RNG.normal(size=64).tolist() for _ in range(60)])
    assert not [aspect for aspect in told.values() if aspect.trouble]
    assert told["Pattern"].told == "plateau"
    assert told["Consistency"].told == "not measured"
    assert "PSI" in told["Stability"].evidence


def test_one_reward_says_what_is_missing() -> None:
    told = of_policy([[0.5]])
    assert not [aspect for aspect in told.values() if aspect.trouble]
    assert "64 are needed" in told["Pattern"].evidence
    assert "100 are needed" in told["Stability"].evidence
    assert "10 are needed" in told["Trend"].evidence
    assert not any("nan" in aspect.evidence for aspect in told.values())


def test_the_same_reply_with_another_reward_names_its_rows() -> None:
    told = of_policy([RNG.normal(size=64).tolist() for _ in range(30)], same_text=True)["Consistency"]
    assert told.trouble
    assert "got another reward" in told.evidence
    assert "rows 29/" in told.evidence


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"eval/accuracy": 0.52}, "Accuracy"),
        ({"samples/rm_ece": 0.2, "samples/rm_ece_low": 0.1}, "Calibration"),
        ({"samples/rm_length_bias": 0.5, "samples/rm_length_bias_low": 0.4}, "Length bias"),
        ({"samples/rm_far_apart": 0.3}, "Saturation"),
        ({"samples/rm_label_noise": 0.2}, "Label noise"),
    ],
)
def test_a_reward_models_faults_each_by_its_limit(changed: dict[str, float], name: str) -> None:
    assert not any(aspect.trouble for aspect in aspects_of_model(PAIRS))
    assert [aspect.name for aspect in aspects_of_model({**PAIRS, **changed}) if aspect.trouble] == [name]


def test_too_few_pairs_are_told_and_not_judged() -> None:
    told = aspects_of_model({**PAIRS, "samples/rm_pairs": 60.0, "samples/rm_ece": 0.3, "samples/rm_ece_low": 0.2})
    assert not any(aspect.trouble for aspect in told)
    assert "60 pairs; 500 are needed" in {aspect.name: aspect for aspect in told}["Calibration"].evidence


def test_what_was_not_measured_is_left_out() -> None:
    assert aspects_of_model({}) == ()
    assert [aspect.name for aspect in aspects_of_model({"accuracy": 0.7})] == ["Accuracy"]
