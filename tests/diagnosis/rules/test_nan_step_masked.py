"""A NaN gradient behind a fine loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pytest

from rldk_tui.events import Algorithm, Metrics, Origin, Severity
from rldk_tui.run import RunStore
from tests.builders import RunBuilder, Value, a_run, findings, only, snapshot_of, worst

RULE = "nan-step-masked"
BF16 = {"fp16": False, "bf16": True}


def run(norms: Sequence[Value], losses: Sequence[Value], config: Mapping[str, object] | None = None) -> RunBuilder:
    return a_run(Algorithm.SFT, config=config).with_metrics(grad_norm=norms, loss=losses)


def test_once_is_enough_where_no_loss_scaler_is_at_work() -> None:
    found = only(RULE, run([1.0, 1.0, math.nan], [2.0, 2.0, 0.0007], BF16))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.CRITICAL, 3, 3)
    assert "0.0007" in found.summary
    assert "exactly 0.0" in only(RULE, run([math.inf], [0.0], BF16)).summary


@pytest.mark.parametrize(
    ("config", "nans", "loss", "severity"),
    [
        ({"fp16": True}, 2, 1.0, None),
        ({"fp16": True}, 3, 1.0, Severity.CRITICAL),
        ({}, 1, 1.0, Severity.HIGH),
        ({}, 1, 0.0, Severity.CRITICAL),
        ({}, 3, 1.0, Severity.CRITICAL),
        (BF16, 1, 1.0, Severity.CRITICAL),
    ],
)
def test_a_loss_scaler_skips_steps_in_healthy_runs(
    config: dict[str, object], nans: int, loss: float, severity: Severity | None
) -> None:
    norms = [0.5] * 5 + [math.inf] * nans + [0.5] * 5
    assert worst(RULE, run(norms, [loss] * len(norms), config)) is severity


def test_a_loss_that_tells_the_truth_or_is_not_there_masks_nothing() -> None:
    assert not findings(RULE, run([math.nan], [math.nan], BF16))
    assert not findings(RULE, run([math.nan], [...], BF16))
    assert not findings(RULE, run([0.0, None], [0.0, 0.0], BF16)), "a loss of 0 is normal in GRPO"


def test_ppo_hides_nothing() -> None:
    assert not findings(RULE, a_run(Algorithm.PPO).with_metrics(grad_norm=[math.nan], loss=[0.0]))


@pytest.mark.parametrize("algorithm", [Algorithm.GRPO, Algorithm.PPO])
@pytest.mark.parametrize("metric", ["hook/nonfinite_gradients", "hook/nonfinite_parameters"])
def test_what_is_seen_inside_the_loop_needs_no_log(algorithm: Algorithm, metric: str) -> None:
    quiet = a_run(algorithm, config=BF16).with_metrics(loss=[1.0] * 20, grad_norm=[1.0] * 20)
    assert not findings(RULE, quiet.with_measured(metric, [0.0] * 20))
    found = only(RULE, quiet.with_measured(metric, [0.0] * 9 + [2.0] * 3, about=("embed.weight", "lm_head.weight")))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.CRITICAL, 10, 10)
    assert found.summary.startswith("In 2 tensors the ")
    assert "not finite at step 10 (embed.weight, lm_head.weight)" in found.summary
    assert found.metric == metric


@pytest.mark.parametrize(
    ("config", "metric", "steps", "severity"),
    [
        ({"fp16": True}, "hook/nonfinite_gradients", 2, None),
        ({"fp16": True}, "hook/nonfinite_gradients", 3, Severity.CRITICAL),
        ({"fp16": True}, "hook/nonfinite_parameters", 1, Severity.CRITICAL),
        ({}, "hook/nonfinite_gradients", 1, Severity.HIGH),
    ],
)
def test_a_loss_scaler_skips_gradients_and_never_leaves_weights(
    config: dict[str, object], metric: str, steps: int, severity: Severity | None
) -> None:
    run = a_run(Algorithm.SFT, config=config).with_metrics(loss=[1.0] * 20)
    assert worst(RULE, run.with_measured(metric, [0.0] * 5 + [1.0] * steps + [0.0] * 5)) is severity


def test_log_and_hook_tell_of_one_fault_together() -> None:
    both = run([1.0] * 5 + [math.nan], [1.0] * 6, BF16).with_measured("hook/nonfinite_gradients", [0.0] * 4 + [1.0] * 2)
    found = only(RULE, both)
    assert found.first_step == 5
    assert "In 1 tensor the gradients were not finite" in found.summary


def test_the_tensors_it_began_with_are_named_and_not_those_it_spread_to() -> None:
    quiet = a_run(Algorithm.SFT, config=BF16).with_metrics(loss=[1.0] * 12)
    spread = quiet.with_measured("hook/nonfinite_parameters", [0.0] * 9 + [26.0] * 3, about=("embed.weight",))
    found = only(RULE, spread.with_measured("hook/nonfinite_gradients", [0.0] * 9 + [1.0, 26.0, 26.0], about=("mlp.weight",)))
    assert "In 1 tensor the gradients were not finite at step 10 (mlp.weight), and then the weights in 26" in found.summary


def test_late_truth_is_as_good_as_early_truth() -> None:
    """tfevents first, whose rows hold 0.0 and a number; then the state file, which knows the NaN."""
    board = Origin(source="b", format="TensorBoard events", authority=8)
    state = Origin(source="s", format="trainer state", authority=4)
    store = RunStore("run")
    for step in range(1, 6):
        store.add(Metrics(time=float(step), step=step, values={"grad_norm": 1.0, "loss": 0.0}), board)
    assert not findings(RULE, snapshot_of(store))
    store.add(Metrics(time=math.nan, step=3, values={"grad_norm": math.nan, "loss": 0.0}), state)
    assert only(RULE, snapshot_of(store)).first_step == 3


def test_the_learning_rate_is_a_guess_without_evidence() -> None:
    flat = only(RULE, run([1.0] * 9 + [math.nan], [1.0] * 10, {**BF16, "learning_rate": 1e-4, "logging_nan_inf_filter": True}))
    assert (flat.advice[-1].parameter, flat.advice[-1].proposed) == ("learning_rate", "3e-05")
    assert "guess" in flat.advice[-1].text
    rates = [1e-5] * 8 + [1e-3] * 2
    jumped = only(RULE, run([1.0] * 9 + [math.nan], [1.0] * 10).with_metric("learning_rate", rates))
    assert "Find out why the learning rate rose" in jumped.advice[-1].text


def test_a_single_log_is_no_plural() -> None:
    one = run([1.0] * 9 + [math.nan], [1.0] * 10)
    assert "(1 log so far)" in only(RULE, one).summary
    assert "(2 logs so far)" in only(RULE, run([1.0] * 9 + [math.nan] * 2, [1.0] * 11)).summary
