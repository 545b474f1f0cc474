"""The training pairs are learned by heart."""

from __future__ import annotations

from typing import Any

import pytest

from rldk_tui.diagnosis.rules.dpo_overfit import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "dpo-overfit"
CONFIG = {
    "loss_type": ["sigmoid"],
    "beta": 0.1,
    "num_train_epochs": 3.0,
    "label_smoothing": 0.0,
    "eval_strategy": "no",
    "learning_rate": None,
}


def dpo(accuracy: float = 1.0, logs: int = 60, **series: Any) -> RunBuilder:
    return a_run(Algorithm.DPO, config=CONFIG).with_metric("rewards/accuracies", [accuracy] * logs).with_metrics(**series)


def evaluated(run: RunBuilder, shares: list[float], losses: list[float], pairs: float = 500) -> RunBuilder:
    """An evaluation every ten steps."""
    columns = {"rewards/accuracies": shares, "loss": losses, "runtime": [2.0] * len(losses)}
    columns["samples_per_second"] = [pairs / 2.0] * len(losses)
    for name, values in columns.items():
        run = run.with_metric(f"eval/{name}", values, first=10, every=10)
    return run


@pytest.mark.parametrize(
    ("accuracy", "share", "loss", "severity"),
    [
        (1.0, 0.8, 0.5, Severity.WARNING),
        (1.0, 0.95, 0.2, None),
        (0.98, 0.6, 0.6, None),
        (1.0, 0.52, 1.2, Severity.HIGH),
        (1.0, 0.52, 0.69, Severity.WARNING),
    ],
)
def test_an_evaluation_that_falls_behind(accuracy: float, share: float, loss: float, severity: Severity | None) -> None:
    assert worst(RULE, evaluated(dpo(accuracy), [share] * 6, [loss] * 6)) is severity


def test_few_held_out_pairs_prove_no_gap() -> None:
    assert not findings(RULE, evaluated(dpo(), [0.8] * 6, [0.4] * 6, pairs=12))


def test_an_evaluation_loss_that_rises_twice() -> None:
    rising = only(RULE, evaluated(dpo(), [0.95] * 4, [0.2, 0.15, 0.19, 0.22]))
    assert (rising.severity, rising.detected_step) == (Severity.WARNING, 40)
    assert "from 0.15 to 0.22" in rising.summary
    assert not findings(RULE, evaluated(dpo(), [0.95] * 4, [0.2, 0.15, 0.19, 0.15]))
    assert not findings(RULE, evaluated(dpo(), [0.99] * 4, [0.01, 0.005, 0.008, 0.01])), "too little to matter"


def test_many_passes_without_any_evaluation() -> None:
    passes = [index / 2 for index in range(1, 61)]
    found = only(RULE, dpo(epoch=passes, loss=[0.01] * 60))
    assert (found.severity, found.detected_step, found.first_step) == (Severity.WARNING, LIMITS.logs, 1)
    proposed = {item.parameter: item.proposed for item in found.advice}
    assert proposed == {
        "eval_strategy": "steps",
        "num_train_epochs": "1",
        "learning_rate": "a third of today's value",
        "beta": "0.2",
        "label_smoothing": "0.1",
    }
    assert "5 times" in (found.cause or "")
    assert not findings(RULE, dpo(epoch=[value / 7 for value in passes], loss=[0.01] * 60)), "few passes"
    assert not findings(RULE, dpo(epoch=passes, loss=[0.08] * 60)), "something left to learn"
    assert not findings(RULE, evaluated(dpo(epoch=passes, loss=[0.01] * 60), [0.97] * 6, [0.1] * 6).with_metric(
        "eval/loss", [0.1], first=1
    )), "held-out pairs are judged as well"  # fmt: skip


def test_a_margin_no_preference_needs() -> None:
    def of(margin: float) -> RunBuilder:
        return dpo().with_metric("rewards/margins", [margin] * 60)

    assert not findings(RULE, of(LIMITS.margin - 0.1))
    found = only(RULE, of(LIMITS.margin + 0.1))
    assert found.severity is Severity.HIGH
    assert "margin reached 20.1" in found.summary


@pytest.mark.parametrize("algorithm", [Algorithm.ONLINE_DPO, Algorithm.REWARD, Algorithm.GRPO])
def test_trainers_without_a_fixed_set_of_pairs_are_left_out(algorithm: Algorithm) -> None:
    run = a_run(algorithm).with_metric("rewards/accuracies", [1.0] * 60).with_metric("rewards/margins", [30.0] * 60)
    assert not findings(RULE, run)


def test_where_the_steps_are_limited_the_steps_are_proposed() -> None:
    run = a_run(Algorithm.DPO, config={"max_steps": 150}).with_metric("rewards/accuracies", [1.0] * 60)
    found = only(RULE, run.with_metrics(epoch=range(1, 61), loss=[0.01] * 60))
    assert ("max_steps", "1") in {(item.parameter, item.proposed) for item in found.advice}


def test_kto_is_judged_by_its_loss() -> None:
    def kto(loss: float, held_out: float, **config: object) -> RunBuilder:
        run = a_run(Algorithm.KTO, config={"loss_type": "kto", **config}).with_metric("loss", [loss] * 60)
        run = run.with_metric("eval/loss", [held_out] * 6, first=10, every=10)
        run = run.with_metric("eval/runtime", [1.0] * 6, first=10, every=10)
        return run.with_metric("eval/samples_per_second", [64.0] * 6, first=10, every=10)

    found = only(RULE, kto(0.05, 0.45))
    assert found.severity is Severity.WARNING
    assert "95 % sure of the training examples' labels, but only 55 % of those held out" in found.summary
    assert worst(RULE, kto(0.05, 0.51)) is Severity.HIGH
    assert not findings(RULE, kto(0.11, 0.45))
    assert not findings(RULE, kto(0.05, 0.06))
    assert not findings(RULE, kto(0.05, 0.45, desirable_weight=1.3)), "a weighted loss tells no probability"
    assert not findings(RULE, a_run(Algorithm.DPO).with_metrics(loss=[0.01] * 60, epoch=range(60))), "no accuracy logged"
