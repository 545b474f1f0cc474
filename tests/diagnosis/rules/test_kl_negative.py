"""KL below zero."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.diagnosis.rules.kl_negative import LIMITS
from rldk_tui.events import Advice, Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "kl-negative"


def ppo(*kl: float) -> RunBuilder:
    return a_run(Algorithm.PPO).with_metric("objective/kl", kl)


def test_the_limits_a_reply() -> None:
    assert not findings(RULE, ppo(*[LIMITS.warning + 0.01] * 30))
    found = only(RULE, ppo(*[LIMITS.warning - 0.01] * 30))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.WARNING, 1, LIMITS.at_least)
    assert worst(RULE, ppo(*[LIMITS.high + 0.01] * 30)) is Severity.WARNING
    assert worst(RULE, ppo(*[LIMITS.high - 0.01] * 30)) is Severity.HIGH
    assert worst(RULE, ppo(*[-1.2] * 20, LIMITS.critical + 0.1)) is Severity.HIGH
    assert worst(RULE, ppo(*[-1.2] * 20, LIMITS.critical - 0.1)) is Severity.CRITICAL


def test_rloo_is_put_in_nats_a_reply() -> None:
    run = a_run(Algorithm.RLOO).with_metric("kl", [-0.01] * 30)
    assert not findings(RULE, run), "without a length nothing is known of a reply"
    assert not findings(RULE, run.with_metric("completions/mean_length", [49.0] * 30))
    found = only(RULE, run.with_metric("completions/mean_length", [60.0] * 30))
    assert found.severity is Severity.WARNING
    assert found.evidence.limit == pytest.approx(-0.5 / 60)
    assert "(-0.60 a reply)" in found.summary


@pytest.mark.parametrize("kl", [0.0, 0.01, 0.1, 1.0])
def test_noise_of_the_estimator_is_silent(kl: float) -> None:
    """The log-ratio of a reply from the policy itself has the variance 2 KL; a log is the mean of 16 replies."""
    for seed in range(10):
        noise = np.random.default_rng(seed).normal(0.0, np.sqrt(2 * kl / 16), size=500)
        assert not findings(RULE, ppo(*(kl + noise))), seed


def test_a_median_that_its_own_noise_explains_is_silent() -> None:
    """Spread of 8 and ten logs: 2 * 1.4826 * 8 / sqrt(10) = 7.5, more than the 3 by which the median is below zero."""
    assert not findings(RULE, ppo(*[-11.0, 5.0, -3.0] * 20))


def test_one_wild_value_in_a_positive_run_is_silent() -> None:
    assert not findings(RULE, ppo(*[0.5] * 10, -8.0, *[0.5] * 10))


def test_it_closes_after_ten_clean_logs() -> None:
    found = only(RULE, ppo(*[-2.0] * 20, *[1.0] * 30))
    assert not found.open
    assert found.last_step < 40


@pytest.mark.parametrize("algorithm", [Algorithm.GRPO, Algorithm.KTO, Algorithm.DPO])
def test_estimators_that_cannot_be_negative_are_left_out(algorithm: Algorithm) -> None:
    assert not findings(RULE, a_run(algorithm).with_metric("kl", [-3.0] * 30))
    assert not findings(RULE, a_run(Algorithm.PPO, config={"kl_estimator": "k3"}).with_metric("kl", [-3.0] * 30))


def test_the_advice_names_what_bends_the_sampling() -> None:
    def advice(algorithm: Algorithm, **config: float) -> tuple[Advice, ...]:
        run = a_run(algorithm, config=config).with_metrics(kl=[-3.0] * 30)
        return only(RULE, run.with_metric("completions/mean_length", [20.0] * 30)).advice

    bent = advice(Algorithm.RLOO, top_k=4, top_p=1.0, temperature=0.7)
    assert [(item.parameter, item.current, item.proposed) for item in bent if item.parameter] == [("top_k", 4.0, "0")]
    assert "no minimum length" in bent[1].text, "what the config does not show is still to be looked at"
    assert not advice(Algorithm.RLOO, top_k=-1)[0].parameter, "off, as vLLM spells it"


def test_ppo_has_no_sampling_settings_of_its_own() -> None:
    """TRL's PPO sets top_k and top_p itself, and divides the logits by the temperature on both sides."""
    run = a_run(Algorithm.PPO, config={"temperature": 0.7, "kl_coef": 0.05}).with_metric("kl", [-3.0] * 30)
    advice = only(RULE, run).advice
    assert not any(item.parameter for item in advice)
    assert "generation_config" in advice[0].text
