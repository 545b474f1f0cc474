"""The wrong direction."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.diagnosis.rules.dpo_labels_flipped import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "dpo-labels-flipped"
CONFIG = {"per_device_train_batch_size": 16}
NOISE = np.random.default_rng(0).normal(0.0, 0.02, 100)


def dpo(accuracy: float, margin: float, logs: int = 100) -> RunBuilder:
    run = a_run(Algorithm.DPO, config=CONFIG).with_metric("rewards/accuracies", [accuracy] * logs)
    return run.with_metric("rewards/margins", (margin + NOISE[:logs]).tolist())


@pytest.mark.parametrize(
    ("accuracy", "margin", "severity"),
    [(0.39, -0.05, Severity.CRITICAL), (0.41, -0.05, None), (0.39, 0.0, None), (0.39, 0.05, None), (0.9, 0.5, None)],
)
def test_the_limits(accuracy: float, margin: float, severity: Severity | None) -> None:
    assert worst(RULE, dpo(accuracy, margin)) is severity


def test_the_first_logs_are_left_out() -> None:
    logs = LIMITS.skipped + LIMITS.logs
    assert only(RULE, dpo(0.2, -0.1)).detected_step == logs
    assert not findings(RULE, dpo(0.2, -0.1, logs - 1))


def test_an_evaluation_that_says_the_opposite() -> None:
    def evaluated(share: float, accuracy: float = 0.8, pairs: float = 128) -> RunBuilder:
        run = dpo(accuracy, 0.3).with_metric("eval/rewards/accuracies", [share] * 5, first=20, every=20)
        run = run.with_metric("eval/runtime", [1.0] * 5, first=20, every=20)
        run = run.with_metric("eval/samples_per_second", [pairs] * 5, first=20, every=20)
        return run.with_metric("eval/loss", [0.9] * 5, first=20, every=20)

    found = only(RULE, evaluated(0.2))
    assert found.severity is Severity.HIGH
    assert "20 %" in found.summary
    assert not findings(RULE, evaluated(0.42))
    assert not findings(RULE, evaluated(0.35, pairs=16)), "too few pairs"
    assert not findings(RULE, evaluated(0.2, accuracy=0.55)), "training follows no labels either"


def test_a_reward_model_that_the_evaluation_contradicts() -> None:
    run = (
        a_run(Algorithm.REWARD, config=CONFIG).with_metric("accuracy", [0.9] * 100).with_metric("margin", (NOISE + 2).tolist())
    )
    run = run.with_metric("eval/accuracy", [0.05] * 3, first=30, every=30).with_metric(
        "eval/runtime", [1.0] * 3, first=30, every=30
    )
    run = run.with_metric("eval/samples_per_second", [64.0] * 3, first=30, every=30)
    run = run.with_metric("eval/loss", [3.0] * 3, first=30, every=30)
    assert only(RULE, run).severity is Severity.HIGH
    below = (
        a_run(Algorithm.REWARD, config=CONFIG).with_metric("accuracy", [0.1] * 100).with_metric("margin", (NOISE - 2).tolist())
    )
    assert not findings(RULE, below), "that is rm-at-chance's to tell"


def test_kto_is_judged_by_its_margins() -> None:
    run = a_run(Algorithm.KTO, config=CONFIG)
    found = only(RULE, run.with_metric("rewards/margins", (NOISE - 0.1).tolist()))
    assert "positive margin" in found.summary
    assert not findings(RULE, run.with_metric("rewards/margins", NOISE.tolist()))


def test_online_pairs_are_left_out() -> None:
    assert not findings(RULE, a_run(Algorithm.ONLINE_DPO).with_metric("rewards/accuracies", [0.1] * 100))


def test_a_kind_of_loss_that_is_no_name_is_an_unknown_one() -> None:
    config = {**CONFIG, "loss_type": [{}]}
    assert not findings(RULE, a_run(Algorithm.DPO, config=config).with_metric("rewards/accuracies", [0.5] * 30))
