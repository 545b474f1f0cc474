"""A KL that shoots up: single logs, most logs, and what is no spike."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, findings, only, worst

RULE = "kl-spike"


def quiet(size: int, level: float = 0.05, seed: int = 1) -> list[float]:
    return [level * value for value in np.exp(0.3 * np.random.default_rng(seed).normal(size=size))]


def test_one_is_a_remark() -> None:
    found = only(RULE, a_run(Algorithm.GRPO).with_metric("kl", [*quiet(60), 0.93, *quiet(20)]))
    assert found.severity is Severity.INFO
    assert (found.first_step, found.detected_step, found.open) == (61, 61, False)
    assert "0.93 nat/token at step 61 where 0.0" in found.summary
    assert "single logs" in found.summary


@pytest.mark.parametrize(("spikes", "severity"), [(4, Severity.INFO), (5, Severity.WARNING)])
def test_most_of_the_last_logs_are_a_warning(spikes: int, severity: Severity) -> None:
    assert worst(RULE, a_run(Algorithm.GRPO).with_metric("kl", [*quiet(60), *[2.0] * spikes, *quiet(20)])) is severity


def test_isolated_ones_stay_remarks_however_often_they_come() -> None:
    """As in healthy runs of small models."""
    kl = np.array(quiet(300))
    kl[60::4] = 1.5
    assert worst(RULE, a_run(Algorithm.GRPO).with_metric("kl", kl.tolist())) in (None, Severity.INFO)


@pytest.mark.parametrize(("peak", "fires"), [(0.09, False), (0.12, True)])
def test_it_must_matter_by_itself(peak: float, fires: bool) -> None:
    run = a_run(Algorithm.RLOO).with_metric("kl", [*quiet(60, 0.001), peak, *quiet(5, 0.001)])
    assert bool(findings(RULE, run)) is fires


def test_ppo_is_judged_by_the_length_of_its_replies() -> None:
    run = a_run(Algorithm.PPO).with_metric("objective/kl", [*quiet(60, 0.5), 6.0, *quiet(5, 0.5)])
    assert "nat/sequence" in only(RULE, run).summary
    assert not findings(RULE, run.with_metric("tokens/responses_len_mean", [100.0] * 66))


def test_a_jump_of_the_rate_is_named() -> None:
    run = a_run(Algorithm.GRPO, config={"learning_rate": 1e-6, "delta": None})
    run = run.with_metric("kl", [*quiet(60), *[3.0] * 10]).with_metric("learning_rate", [1e-6] * 58 + [4e-5] * 12)
    found = only(RULE, run)
    assert "jumped" in (found.cause or "")
    assert [(item.parameter, item.proposed) for item in found.advice[1:]] == [("delta", "4.0"), ("learning_rate", "1e-06")]


def test_what_is_silent() -> None:
    spiked = [*quiet(60), 0.93, *quiet(20)]
    assert not findings(RULE, a_run(Algorithm.KTO).with_metric("kl", spiked)), "its KL is a baseline"
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("kl", spiked[45:])), "too few logs before"
    averaged = a_run(Algorithm.GRPO, config={"logging_steps": 10}).with_metric("kl", spiked, every=10)
    assert not findings(RULE, averaged), "a log is the mean of ten steps"
    learning = np.linspace(0.001, 0.5, 200) * np.exp(0.3 * np.random.default_rng(2).normal(size=200))
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("kl", learning.tolist())), "a KL that grows with learning"
