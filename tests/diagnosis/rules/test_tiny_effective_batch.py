"""Very few prompts in an optimizer step."""

from __future__ import annotations

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, diagnosis_of, findings, only, worst

RULE = "tiny-effective-batch"


def config(replies: int, *, rate: float = 1e-5, accumulated: int = 1, steps: int = 1, group: int = 8) -> dict[str, object]:
    return {
        "generation_batch_size": replies,
        "steps_per_generation": steps,
        "gradient_accumulation_steps": accumulated,
        "num_generations": group,
        "learning_rate": rate,
    }


@pytest.mark.parametrize(
    ("settings", "severity"),
    [
        (config(64), None),
        (config(56), Severity.INFO),
        (config(24, rate=8e-4), Severity.INFO),
        (config(16), Severity.INFO),
        (config(8), Severity.WARNING),
        (config(8, rate=1e-6), Severity.INFO),
        (config(64, steps=8, accumulated=8), None),
        (config(64, steps=8, accumulated=1), None),
        (config(16, steps=16, accumulated=1), Severity.WARNING),
        (config(8, group=2), Severity.INFO),
    ],
)
def test_the_limits(settings: dict[str, object], severity: Severity | None) -> None:
    assert worst(RULE, a_run(Algorithm.GRPO, config=settings)) is severity


def test_the_defaults_of_trl_are_no_warning() -> None:
    assert worst(RULE, a_run(Algorithm.GRPO, config=config(8, rate=1e-6))) is Severity.INFO
    assert worst(RULE, a_run(Algorithm.RLOO, config=config(8, rate=1e-6, group=2))) is Severity.INFO


def test_where_the_batch_is_not_known_nothing_is_said() -> None:
    run = a_run(Algorithm.GRPO, config={"per_device_train_batch_size": 8, "num_generations": 8, "learning_rate": 1e-4})
    (silent,) = diagnosis_of(RULE, run).not_evaluated
    assert silent.applicable
    assert not findings(RULE, a_run(Algorithm.PPO, config=config(1)))


def test_the_words() -> None:
    found = only(RULE, a_run(Algorithm.GRPO, config=config(24)))
    assert "3 prompts" in found.summary
    assert (found.advice[0].parameter, found.advice[0].proposed) == ("gradient_accumulation_steps", "3")
    assert "1 prompt " in only(RULE, a_run(Algorithm.GRPO, config=config(8))).summary
