"""Gradients that are all clipped."""

from __future__ import annotations

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "grad-always-clipped"


def run_of(norms: list[float], clip: float | None = 1.0, algorithm: Algorithm = Algorithm.GRPO) -> RunBuilder:
    config = {"learning_rate": 1e-5} if clip is None else {"learning_rate": 1e-5, "max_grad_norm": clip}
    return a_run(algorithm, config=config).with_metric("grad_norm", norms)


@pytest.mark.parametrize(
    ("norm", "clip", "fires"),
    [(4.9, 1.0, False), (5.1, 1.0, True), (3.9, 0.2, False), (4.1, 0.2, True), (1.6, 0.3, True)],
)
def test_how_far_above_the_clip(norm: float, clip: float, fires: bool) -> None:
    assert worst(RULE, run_of([norm] * 120, clip)) is (Severity.WARNING if fires else None)


@pytest.mark.parametrize(("below", "fires"), [(5, True), (6, False)])
def test_nearly_all_of_a_hundred(below: int, fires: bool) -> None:
    norms = [9.0] * 100
    norms[10 : 10 + below] = [0.5] * below
    assert bool(findings(RULE, run_of(norms))) is fires
    assert not findings(RULE, run_of([9.0] * 99))


def test_the_clip_is_moved_to_what_is_usual() -> None:
    found = only(RULE, run_of([9.0] * 120))
    assert (found.first_step, found.detected_step) == (1, 100)
    assert "median of 9" in found.summary
    assert "9 times below" in (found.cause or "")
    assert [(item.parameter, item.proposed) for item in found.advice] == [("max_grad_norm", "9"), ("learning_rate", "3e-06")]


@pytest.mark.parametrize(
    ("clip", "algorithm"), [(None, Algorithm.GRPO), (0.0, Algorithm.GRPO), (1.0, Algorithm.PPO)], ids=["unknown", "off", "PPO"]
)
def test_it_is_for_runs_that_clip(clip: float | None, algorithm: Algorithm) -> None:
    assert not findings(RULE, run_of([9.0] * 120, clip, algorithm))
