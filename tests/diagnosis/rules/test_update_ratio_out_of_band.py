"""Steps too large, too small, or rounded away."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rldk_tui.diagnosis.rules.update_ratio_out_of_band import LIMITS, LOST, RATIO, TOTAL, TRAINABLE
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, Value, a_run, findings, only, worst

RULE = "update-ratio-out-of-band"


def run(
    ratios: Sequence[Value],
    *,
    total: float | None = 1e9,
    trained: float = 1.0,
    algorithm: Algorithm = Algorithm.GRPO,
    rate: float = 1e-6,
) -> RunBuilder:
    built = a_run(algorithm, config={"learning_rate": rate}).with_metric("learning_rate", [rate] * len(ratios))
    if total is not None:
        built = built.with_measured(TOTAL, [total], first=0).with_measured(TRAINABLE, [total * trained], first=0)
    return built.with_measured(RATIO, ratios)


@pytest.mark.parametrize(
    ("algorithm", "ratio", "severity"),
    [
        (Algorithm.GRPO, 1e-4, None),
        (Algorithm.GRPO, 9e-4, None),
        (Algorithm.GRPO, 1.1e-3, Severity.WARNING),
        (Algorithm.SFT, 1.1e-3, None),
        (Algorithm.SFT, 1.1e-2, Severity.HIGH),
        (Algorithm.GRPO, 1.1e-2, Severity.HIGH),
    ],
)
def test_all_weights_of_a_pretrained_model(algorithm: Algorithm, ratio: float, severity: Severity | None) -> None:
    assert worst(RULE, run([ratio] * 30, algorithm=algorithm)) is severity


@pytest.mark.parametrize(("total", "trained"), [(1e5, 1.0), (1e9, 0.01), (None, 1.0)])
@pytest.mark.parametrize(("ratio", "severity"), [(0.09, None), (0.11, Severity.WARNING), (0.51, Severity.HIGH)])
def test_small_models_and_adapters_bear_more(
    total: float | None, trained: float, ratio: float, severity: Severity | None
) -> None:
    assert worst(RULE, run([ratio] * 30, total=total, trained=trained)) is severity


def test_tensors_that_begin_at_zero_are_silent() -> None:
    assert not findings(RULE, run([1.0 / step for step in range(1, 40)], trained=0.01))


def test_onset_and_detection() -> None:
    found = only(RULE, run([1e-5] * 40 + [2e-3] * 20))
    assert (found.first_step, found.detected_step) == (41, 45)
    assert not findings(RULE, run([1e-5, 1e-5, 2e-3] * 20)), "single large steps"


def test_weights_that_do_not_move() -> None:
    moved, still = [1e-5] * 20, [1e-9] * LIMITS.still
    assert worst(RULE, run(moved + still)) is Severity.CRITICAL
    assert not findings(RULE, run(moved + still[:-1]))
    found = only(RULE, run([0.0] * 30))
    assert (found.first_step, found.detected_step) == (1, 15)
    assert "do not move" in found.summary


def test_with_the_learning_rate_off_nothing_is_to_move() -> None:
    schedule = [1e-6] * 20 + [5e-9] * 30
    silent = run([1e-5] * 20 + [0.0] * 30).with_metric("learning_rate", schedule)
    assert not findings(RULE, silent)
    assert not findings(RULE, a_run(Algorithm.GRPO).with_measured(RATIO, [0.0] * 30)), "the rate is not known"
    assert not findings(RULE, run([0.0] * 30, rate=1e-6).with_metric("learning_rate", [9e-9] * 30)), "still warming up"
    warm_up = run([0.0] * 30).with_metric("learning_rate", [0.0] * 30)
    assert not findings(RULE, warm_up)


def test_updates_that_are_rounded_away() -> None:
    quiet = run([1e-6] * 30)
    assert not findings(RULE, quiet.with_measured(LOST, [0.9] * 30))
    assert not findings(RULE, quiet.with_measured(LOST, [0.95] * 7 + [0.1] * 23))
    found = only(RULE, quiet.with_measured(LOST, [0.95] * 30))
    assert (found.severity, found.metric, found.detected_step) == (Severity.HIGH, LOST, 8)
    assert "95 %" in found.summary


def test_the_words_blame_a_learning_rate_that_deserves_it() -> None:
    found = only(RULE, run([0.05] * 30, rate=1e-2))
    assert "learning rate of 0.01 is the most likely cause" in (found.cause or "")
    assert (found.advice[0].parameter, found.advice[0].proposed) == ("learning_rate", "1e-06")
    assert "5 % of themselves" in found.summary
