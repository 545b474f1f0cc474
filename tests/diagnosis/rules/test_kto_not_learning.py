"""KTO that learns nothing."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.diagnosis.rules.kto_not_learning import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only

RULE = "kto-not-learning"
CONFIG = {"per_device_train_batch_size": 16, "learning_rate": 1e-6, "loss_type": "kto"}


def kto(apart: float, logs: int = 120, seed: int = 0, **config: object) -> RunBuilder:
    """Margins of batches of 8 and 8 replies whose rewards lie `apart` standard deviations apart."""
    margins = 0.05 * np.random.default_rng(seed).normal(apart, 0.5, logs)
    return a_run(Algorithm.KTO, config={**CONFIG, **config}).with_metric("rewards/margins", margins.tolist())


@pytest.mark.parametrize("seed", range(5))
def test_random_labels_are_found_and_a_faint_preference_is_not(seed: int) -> None:
    found = only(RULE, kto(0.0, seed=seed))
    assert found.detected_step > LIMITS.examples / 16
    assert "around 0" in found.summary
    for accuracy_60, accuracy_80 in ((0.36, 1.19),):
        assert not findings(RULE, kto(accuracy_60, seed=seed))
        assert not findings(RULE, kto(accuracy_80, seed=seed))


def test_margins_that_never_leave_zero() -> None:
    run = a_run(Algorithm.KTO, config={**CONFIG, "learning_rate": 1e-9, "per_device_train_batch_size": 2})
    found = only(RULE, run.with_metric("rewards/margins", [0.0, 1e-7] * 20))
    assert (found.severity, found.detected_step) == (Severity.HIGH, 1 + LIMITS.logs)
    proposed = {item.parameter: item.proposed for item in found.advice if item.parameter}
    assert proposed == {"learning_rate": "1e-06", "per_device_train_batch_size": "8"}
    assert not findings(RULE, run.with_metric("rewards/margins", [0.0, 1e-7] * 10)), "too early"


def test_it_waits_for_the_warm_up_and_a_known_batch() -> None:
    assert not findings(RULE, kto(0.0, warmup_steps=110))
    assert not findings(RULE, kto(0.0, per_device_train_batch_size=None))


def test_noise_that_is_remembered_shows_in_the_evaluations() -> None:
    remembered = kto(1.0)
    found = only(RULE, remembered.with_metric("eval/loss", [0.501, 0.502, 0.503], first=40, every=30))
    assert (found.severity, found.detected_step) == (Severity.WARNING, 70)
    assert "0.502" in found.summary
    learned = remembered.with_metric("eval/loss", [0.49, 0.505, 0.51], first=40, every=30)
    assert not findings(RULE, learned), "it was below once: something was learned"
    weighted = kto(1.0, desirable_weight=1.33).with_metric("eval/loss", [0.6] * 3, first=40, every=30)
    assert not findings(RULE, weighted), "the neutral loss is not known"


def test_margins_need_not_be_logged_in_every_row() -> None:
    run = a_run(Algorithm.KTO, config=CONFIG).with_metric("rewards/margins", [0.0, ..., None] * 30)
    assert only(RULE, run).severity is Severity.HIGH


def test_other_trainers_are_left_out() -> None:
    assert not findings(RULE, a_run(Algorithm.DPO, config=CONFIG).with_metric("rewards/margins", [0.0] * 60))
