"""Gradient norms that rise for good."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.diagnosis.episodes import Track, follow
from rldk_tui.diagnosis.rule import Context, RowRule
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, rule_named, worst

RULE = "grad-norm-regime-shift"


def norms(times: float, *, before: int = 150, after: int = 100, seed: int = 1) -> list[float]:
    scatter = np.exp(0.25 * np.random.default_rng(seed).normal(size=before + after))
    return [0.5 * value * (times if place >= before else 1.0) for place, value in enumerate(scatter)]


def run_of(values: list[float], max_steps: int = 250, **config: float) -> RunBuilder:
    return a_run(Algorithm.GRPO, config=dict(config), max_steps=max_steps).with_metric("grad_norm", values)


@pytest.mark.parametrize(("times", "fires"), [(2.5, False), (3.6, True), (14.0, True)])
def test_how_far_they_rise(times: float, fires: bool) -> None:
    assert worst(RULE, run_of(norms(times))) is (Severity.WARNING if fires else None)


def test_ten_times_is_high_and_the_engine_wants_a_second_opinion() -> None:
    rule = rule_named(RULE).rule
    assert isinstance(rule, RowRule)
    launch = run_of(norms(14.0)).snapshot().segments[0]
    verdict = rule.watch(launch.rows, rule.fresh, Context(launch.info, "grad_norm", rule.limits))
    episode = follow(Track(), launch.rows.steps[verdict.at], verdict, rule, "grad_norm").episodes()[0]
    assert episode.severity is Severity.HIGH
    assert worst(RULE, run_of(norms(14.0))) is Severity.WARNING


def test_it_is_known_after_ten_logs_and_lasts() -> None:
    found = only(RULE, run_of(norms(5.0), learning_rate=1e-5))
    assert found.open
    assert 149 <= found.first_step <= 153
    assert found.detected_step <= 162
    assert found.summary.startswith("Gradient norms rose from 0.")
    assert (found.advice[0].parameter, found.advice[0].proposed) == ("learning_rate", "3e-06")


def test_a_long_run_learns_what_is_usual_from_twice_as_many_logs() -> None:
    early = norms(5.0, before=100, after=100)
    assert findings(RULE, run_of(early))
    assert not findings(RULE, run_of(early[:128], max_steps=1000)), "all of it is what is usual"


def test_what_is_silent() -> None:
    assert not findings(RULE, run_of(norms(0.1))), "a fall is a policy that settles"
    spiked = norms(1.0)
    spiked[150:250:12] = [50.0] * 9
    assert not findings(RULE, run_of(spiked)), "spikes are no shift"
    warm_up = [*np.linspace(0.05, 0.5, 80), *norms(1.0)]
    assert not findings(RULE, run_of(warm_up, max_steps=330, warmup_steps=80))


@pytest.mark.parametrize("phi", [0.0, 0.6, 0.9])
def test_noise_is_none(phi: float) -> None:
    rng = np.random.default_rng(7)
    for _ in range(5):
        walk = np.zeros(2000)
        for step in range(1, 2000):
            walk[step] = phi * walk[step - 1] + np.sqrt(1 - phi**2) * rng.normal()
        assert not findings(RULE, run_of(np.exp(0.3 * walk).tolist(), max_steps=2000))
