"""Cut sampling in vLLM under its importance correction."""

from __future__ import annotations

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, diagnosis_of, only, worst

RULE = "sampler-bias-topp"
VLLM = {"use_vllm": True, "vllm_importance_sampling_correction": True, "top_p": 1.0, "top_k": 0, "min_p": None}


@pytest.mark.parametrize(
    ("settings", "severity"),
    [
        ({}, None),
        ({"top_p": 0.9995}, None),
        ({"top_p": 0.95}, Severity.HIGH),
        ({"top_k": 20}, Severity.HIGH),
        ({"min_p": 0.05}, Severity.HIGH),
        ({"generation_kwargs": {"top_k": 20}}, Severity.HIGH),
        ({"top_p": 0.9, "use_vllm": False}, None),
        ({"top_p": 0.9, "vllm_importance_sampling_correction": False}, None),
    ],
)
def test_a_cut_matters_only_under_the_correction(settings: dict[str, object], severity: Severity | None) -> None:
    assert worst(RULE, a_run(Algorithm.GRPO, config={**VLLM, **settings})) is severity


def test_it_is_not_for_a_trainer_that_samples_itself() -> None:
    for algorithm, config in ((Algorithm.GRPO, {**VLLM, "use_vllm": False}), (Algorithm.PPO, {})):
        (silent,) = diagnosis_of(RULE, a_run(algorithm, config=config)).not_evaluated
        assert not silent.applicable


def test_a_log_that_does_not_tell_of_the_correction_is_not_judged() -> None:
    (silent,) = diagnosis_of(RULE, a_run(Algorithm.RLOO, config={"use_vllm": True, "top_p": 0.9})).not_evaluated
    assert silent.applicable


def test_the_words_name_the_way_out() -> None:
    found = only(RULE, a_run(Algorithm.GRPO, config={**VLLM, "top_p": 0.9}))
    assert "top_p=0.9" in found.summary
    assert [(item.parameter, item.proposed) for item in found.advice] == [
        ("top_p", "1.0"),
        ("vllm_importance_sampling_correction", "False"),
    ]
