"""A reward model that remembers its pairs."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.rm_overfit import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "rm-overfit"


def reward_model(accuracy: float, shares: list[float], losses: list[float], pairs: float = 400) -> RunBuilder:
    """Sixty steps, with an evaluation every ten."""
    run = a_run(Algorithm.REWARD, config={"num_train_epochs": 4.0, "learning_rate": 1e-3})
    run = run.with_metrics(accuracy=[accuracy] * 60, epoch=[index / 15 for index in range(1, 61)])
    columns = {"accuracy": shares, "loss": losses, "runtime": [4.0] * len(losses)}
    columns["samples_per_second"] = [pairs / 4.0] * len(losses)
    for name, values in columns.items():
        run = run.with_metric(f"eval/{name}", values, first=10, every=10)
    return run


@pytest.mark.parametrize(
    ("accuracy", "share", "severity"),
    [
        (LIMITS.perfect - 0.001, 0.7, None),
        (LIMITS.perfect, 0.7, Severity.HIGH),
        (1.0, 0.875, None),
        (1.0, 0.865, Severity.HIGH),
    ],
)
def test_the_gap(accuracy: float, share: float, severity: Severity | None) -> None:
    assert worst(RULE, reward_model(accuracy, [share] * 6, [0.4] * 6)) is severity


def test_few_pairs_prove_no_gap() -> None:
    assert not findings(RULE, reward_model(1.0, [0.75] * 6, [0.4] * 6, pairs=12))


def test_an_evaluation_loss_that_rises() -> None:
    found = only(RULE, reward_model(0.99, [0.95] * 4, [0.3, 0.2, 0.23, 0.24]))
    assert (found.severity, found.detected_step) == (Severity.WARNING, 40)
    assert "from 0.2 to 0.24" in found.summary
    assert not findings(RULE, reward_model(0.99, [0.95] * 4, [0.3, 0.2, 0.23, 0.21]))
    assert not findings(RULE, reward_model(0.95, [0.95] * 4, [0.3, 0.2, 0.33, 0.34])), "the pairs are not known by heart"


def test_the_words() -> None:
    found = only(RULE, reward_model(1.0, [0.6] * 6, [0.9] * 6))
    assert "only 60 % of those held out" in found.summary
    proposed = {item.parameter: item.proposed for item in found.advice if item.parameter}
    assert proposed == {"num_train_epochs": "1", "learning_rate": "0.0003"}


def test_other_trainers_and_toy_data_are_left_out() -> None:
    assert not findings(RULE, a_run(Algorithm.SFT).with_metric("accuracy", [1.0] * 60))
    assert not findings(RULE, a_run(Algorithm.REWARD).with_metric("accuracy", [1.0] * 60))
