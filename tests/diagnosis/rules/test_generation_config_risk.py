"""A sampler that draws from another distribution than the one that is trained."""

from __future__ import annotations

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, findings, only, worst

RULE = "generation-config-risk"
TRL = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": None, "repetition_penalty": 1.0, "generation_kwargs": None}


@pytest.mark.parametrize(
    ("settings", "severity"),
    [
        ({}, None),
        ({"top_k": None}, None),
        ({"top_k": -1}, None),
        ({"top_k": 49}, Severity.WARNING),
        ({"top_k": 50}, Severity.INFO),
        ({"top_p": 0.95}, Severity.WARNING),
        ({"min_p": 0.1}, Severity.WARNING),
        ({"repetition_penalty": 1.1}, Severity.WARNING),
        ({"temperature": 0.5}, None),
        ({"temperature": 0.49}, Severity.WARNING),
        ({"generation_kwargs": {"min_new_tokens": 8}}, Severity.WARNING),
        ({"generation_kwargs": {"do_sample": False}}, Severity.WARNING),
        ({"top_p": 0.9, "generation_kwargs": {"top_p": 1.0}}, None),
        ({"top_k": 50, "temperature": 0.1}, Severity.WARNING),
    ],
)
@pytest.mark.parametrize("algorithm", [Algorithm.GRPO, Algorithm.RLOO, Algorithm.ONLINE_DPO, None])
def test_the_limits(settings: dict[str, object], severity: Severity | None, algorithm: Algorithm | None) -> None:
    assert worst(RULE, a_run(algorithm, config={**TRL, **settings})) is severity


def test_ppo_has_only_a_temperature() -> None:
    assert not findings(RULE, a_run(Algorithm.PPO, config={"temperature": 0.7}))
    assert worst(RULE, a_run(Algorithm.PPO, config={"temperature": 0.1})) is Severity.WARNING


def test_a_trainer_that_samples_nothing_is_left_out() -> None:
    assert not findings(RULE, a_run(Algorithm.SFT, config={"temperature": 0.1}))


def test_it_speaks_before_the_first_step_and_names_the_settings() -> None:
    found = only(RULE, a_run(Algorithm.GRPO, config={**TRL, "top_k": 3, "generation_kwargs": {"min_p": 0.2}}))
    assert found.first_step == 1
    assert "top_k=3" in found.summary
    assert [(item.parameter, item.proposed) for item in found.advice] == [("top_k", "0"), (None, None)]
    assert "min_p out of generation_kwargs" in found.advice[1].text
