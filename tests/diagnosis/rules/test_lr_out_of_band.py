"""Learning rates of the wrong order of magnitude."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.model_size import named_size
from rldk_tui.diagnosis.rules.lr_out_of_band import LIMITS
from rldk_tui.events import Algorithm, Severity
from rldk_tui.run import RunInfo
from tests.builders import RunBuilder, a_run, diagnosis_of, findings, only, worst

RULE = "lr-out-of-band"


def rates(
    *values: float, algorithm: Algorithm | None = Algorithm.GRPO, model: str | None = None, **config: object
) -> RunBuilder:
    return a_run(algorithm, config=config, model=model).with_metric("learning_rate", values)


@pytest.mark.parametrize("algorithm", [None, *Algorithm])
def test_a_model_of_unknown_size_is_held_to_what_none_bears(algorithm: Algorithm | None) -> None:
    warning, high = LIMITS.any_size
    assert not findings(RULE, rates(*[0.99 * warning] * 20, algorithm=algorithm))
    assert worst(RULE, rates(warning, algorithm=algorithm)) is Severity.WARNING
    assert worst(RULE, rates(high, algorithm=algorithm)) is Severity.HIGH


@pytest.mark.parametrize(
    ("algorithm", "model", "rate", "severity"),
    [
        (Algorithm.GRPO, "Qwen2.5-7B", 4e-4, None),
        (Algorithm.GRPO, "Qwen2.5-7B", 6e-4, Severity.WARNING),
        (Algorithm.GRPO, "Qwen2.5-7B", 2.6e-3, Severity.HIGH),
        (Algorithm.RLOO, "pythia-70m", 1.8e-3, None),
        (Algorithm.RLOO, "pythia-70m", 2e-3, Severity.WARNING),
        (Algorithm.DPO, "Qwen/Qwen2.5-1.5B-Instruct", 6e-5, Severity.WARNING),
        (Algorithm.SFT, "Qwen2.5-7B", 4e-3, None),
    ],
)
def test_a_smaller_model_bears_more(algorithm: Algorithm, model: str, rate: float, severity: Severity | None) -> None:
    assert worst(RULE, rates(*[rate] * 5, algorithm=algorithm, model=model)) is severity


def test_all_weights_bear_a_tenth_of_what_adapters_bear() -> None:
    run = rates(*[3e-5] * 5).with_metric("hook/parameters_total", [7e9])
    assert not findings(RULE, run.with_metric("hook/parameters_trainable", [1e7]))
    assert worst(RULE, run.with_metric("hook/parameters_trainable", [7e9])) is Severity.WARNING


def test_a_rate_that_changes_nothing() -> None:
    decaying = [LIMITS.low * (1 - step / 140) for step in range(140)]
    found = only(RULE, rates(*decaying))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.HIGH, 1, LIMITS.settled + 1)
    assert "never rose above 1e-09" in found.summary
    assert (found.advice[0].parameter, found.advice[0].proposed) == ("learning_rate", "1e-06")


@pytest.mark.parametrize("values", [[1e-6 * (1 - step / 5000) for step in range(5000)], [1e-12 * step for step in range(2000)]])
def test_the_ends_of_a_schedule_are_silent(values: list[float]) -> None:
    assert not findings(RULE, rates(*values))


def test_a_jump_is_named_with_what_it_was_before() -> None:
    found = only(RULE, rates(*[5e-4] * 40, *[2e-2] * 20))
    assert (found.severity, found.first_step, found.open) == (Severity.HIGH, 41, True)
    assert "rose from 0.0005 at step 41" in (found.cause or "")
    assert found.advice[0].proposed == "0.0005"


def test_an_optimizer_with_another_scale_is_not_judged() -> None:
    (silent,) = diagnosis_of(RULE, rates(0.1, optim="sgd")).not_evaluated
    assert not silent.applicable
    assert findings(RULE, rates(0.1, optim="adamw_torch_fused"))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("Qwen2.5-0.5B", 0.5e9),
        ("meta/Llama-3.1-8B-Instruct", 8e9),
        ("mixtral-8x7b-v0.1", 56e9),
        ("pythia-70m", 70e6),
        ("SmolLM2-135M", 135e6),
        ("qwen2", None),
        ("model-4bit", None),
    ],
)
def test_the_size_in_a_name(name: str, size: float | None) -> None:
    assert named_size(RunInfo(model=name)) == pytest.approx(size if size else float("nan"), nan_ok=True)
    assert named_size(RunInfo(config={"model_name_or_path": name})) == pytest.approx(size or float("nan"), nan_ok=True)
