"""Longer is better."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.rm_length_bias import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "rm-length-bias"


def reward_model(bias: float, low: float, pairs: float = 400.0, algorithm: Algorithm = Algorithm.REWARD) -> RunBuilder:
    run = a_run(algorithm).with_metric("loss", [0.4] * 20).with_measured("samples/rm_length_bias", [bias], first=10)
    run = run.with_measured("samples/rm_length_bias_low", [low], first=10)
    return run.with_measured("samples/rm_pairs", [pairs], first=10)


@pytest.mark.parametrize(
    ("bias", "low", "severity"),
    [
        (0.29, 0.2, None),
        (0.31, 0.14, None),
        (0.31, 0.16, Severity.WARNING),
        (0.55, 0.29, Severity.WARNING),
        (0.55, 0.31, Severity.HIGH),
        (-0.6, -0.7, None),
    ],
)
def test_the_limits(bias: float, low: float, severity: Severity | None) -> None:
    assert worst(RULE, reward_model(bias, low)) is severity


def test_few_pairs_tell_nothing() -> None:
    assert not findings(RULE, reward_model(0.8, 0.7, LIMITS.pairs - 1))


def test_the_words() -> None:
    found = only(RULE, reward_model(0.55, 0.4))
    assert "rank correlation 0.55 at step 10 (400 pairs, at least 0.4" in found.summary


def test_other_trainers_are_left_out() -> None:
    assert not findings(RULE, reward_model(0.8, 0.7, algorithm=Algorithm.GRPO))
