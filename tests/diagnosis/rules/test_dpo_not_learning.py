"""The preference is not learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rldk_tui.diagnosis.rules.dpo_not_learning import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "dpo-not-learning"
CONFIG = {"loss_type": ["sigmoid"], "per_device_train_batch_size": 16, "learning_rate": 5e-7}


def dpo(accuracies: Any, margins: Any = 0.0, **config: Any) -> RunBuilder:
    run = a_run(Algorithm.DPO, config={**CONFIG, **config}).with_metric("rewards/accuracies", list(accuracies))
    return run.with_metric("rewards/margins", np.broadcast_to(margins, len(list(accuracies))).tolist())


def coins(probability: float, logs: int = 100, seed: int = 0, pairs: int = 16) -> list[float]:
    return [hits / pairs for hits in np.random.default_rng(seed).binomial(pairs, probability, logs)]


def scatter(logs: int = 100, seed: int = 1) -> np.ndarray:
    """Margins of either sign."""
    return np.random.default_rng(seed).normal(0.0, 0.02, logs)


def evaluated(run: RunBuilder, share: float, losses: list[float], pairs: float = 64) -> RunBuilder:
    for name, value in {"rewards/accuracies": share, "runtime": 2.0, "samples_per_second": pairs / 2.0}.items():
        run = run.with_metric(f"eval/{name}", [value] * len(losses), first=40, every=20)
    return run.with_metric("eval/loss", losses, first=40, every=20)


@pytest.mark.parametrize("seed", range(5))
def test_coin_flips_are_found_and_a_hard_preference_is_not(seed: int) -> None:
    assert only(RULE, dpo(coins(0.5, 100, seed), scatter(seed=seed))).severity is Severity.HIGH
    for learnable in (0.62, 0.7, 0.9):
        assert not findings(RULE, dpo(coins(learnable, 100, seed), 0.05 + scatter(seed=seed)))


def test_it_waits_for_enough_pairs() -> None:
    found = only(RULE, dpo([0.5, 0.44] * 20, scatter(40)))
    # The first log is left out: every margin is exactly zero in it. 25 logs of 16 pairs are 400.
    assert (found.severity, found.detected_step) == (Severity.WARNING, 1 + LIMITS.pairs // 16)
    assert only(RULE, dpo([0.5, 0.44] * 40, scatter(80))).severity is Severity.HIGH
    assert not findings(RULE, dpo([0.5, 0.44] * 12, scatter(24)))
    assert not findings(RULE, dpo([0.5, 0.44] * 40, scatter(80), warmup_steps=70)), "nor before the rate is up"


def test_accuracy_held_down_by_ties_is_no_chance_while_margins_rise() -> None:
    assert not findings(RULE, dpo([0.45] * 80, 0.004 + scatter(80) / 10))


def test_margins_that_never_leave_zero() -> None:
    found = only(RULE, dpo([0.0] * 40))
    assert (found.severity, found.detected_step) == (Severity.HIGH, 1 + LIMITS.logs)
    assert "had not left 0" in found.summary
    assert {item.parameter for item in found.advice} == {None, "learning_rate"}


def test_without_a_known_batch_the_scatter_tells_the_pairs() -> None:
    unknown = {"per_device_train_batch_size": None}
    assert worst(RULE, dpo(coins(0.5, 128), scatter(128), **unknown)) is not None
    assert not findings(RULE, dpo(coins(0.62, 128), 0.05 + scatter(128), **unknown))
    assert not findings(RULE, dpo(coins(0.5, 128, pairs=1), scatter(128), **unknown)), "128 pairs tell nothing"


def test_noise_that_is_remembered_shows_in_the_evaluations() -> None:
    remembered = dpo(coins(0.7), 0.05 + scatter())
    found = only(RULE, evaluated(remembered, 0.45, [0.694, 0.695, 0.696]))
    assert (found.severity, found.detected_step) == (Severity.WARNING, 63)
    assert "0.695" in found.summary
    assert not findings(RULE, evaluated(remembered, 0.45, [0.69, 0.68, 0.67])), "their loss falls"
    assert not findings(RULE, evaluated(remembered, 0.66, [0.7, 0.7, 0.7])), "they are above chance"
    assert not findings(RULE, evaluated(dpo([1.0] * 100, 5.0), 0.45, [0.7, 0.9, 1.1])), "that is overfitting"
    assert not findings(RULE, evaluated(remembered, 0.1, [0.8, 0.9, 1.0])), "labelled the other way round, not noise"
    unknown_loss = dpo(coins(0.7), 0.05 + scatter(), loss_type=["ipo"])
    assert not findings(RULE, evaluated(unknown_loss, 0.45, [0.7, 0.7, 0.7]))


@pytest.mark.parametrize("algorithm", [None, Algorithm.ONLINE_DPO, Algorithm.REWARD, Algorithm.GRPO])
def test_other_trainers_are_left_out(algorithm: Algorithm | None) -> None:
    assert not findings(RULE, a_run(algorithm, config=CONFIG).with_metric("rewards/accuracies", coins(0.5)))


def test_the_words() -> None:
    found = only(RULE, dpo(coins(0.5), scatter()))
    assert "what chance gives" in found.summary
    assert "noise" in (found.cause or "")
    assert [(item.parameter, item.proposed) for item in found.advice if item.parameter] == [("learning_rate", "1e-06")]
