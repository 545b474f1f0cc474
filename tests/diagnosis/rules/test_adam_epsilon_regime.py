"""Adam's second moments."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.adam_epsilon_regime import BELOW, STEP
from rldk_tui.events import Severity
from tests.builders import a_run, findings, only, worst

RULE = "adam-epsilon-regime"


@pytest.mark.parametrize(
    ("metric", "value", "severity"),
    [
        (BELOW, 0.5, None),
        (BELOW, 0.51, Severity.WARNING),
        (STEP, 20.0, None),
        (STEP, 21.0, Severity.WARNING),
        (STEP, 7.3, None),
    ],
)
def test_the_limits(metric: str, value: float, severity: Severity | None) -> None:
    assert worst(RULE, a_run().with_measured(metric, [value])) is severity


@pytest.mark.parametrize(("optim", "applies"), [("adamw_torch_fused", True), ("paged_adamw_8bit", True), ("sgd", False)])
def test_only_adam_has_an_epsilon(optim: str, applies: bool) -> None:
    assert bool(findings(RULE, a_run(config={"optim": optim}).with_measured(BELOW, [0.9]))) is applies


def test_the_words() -> None:
    config = {"adam_epsilon": 1e-8, "adam_beta2": 0.999}
    below = only(RULE, a_run(config=config).with_measured(BELOW, [0.8]))
    assert "80 % of the weights are below Adam's ε of 1e-08" in below.summary
    assert (below.advice[0].parameter, below.advice[0].proposed) == ("adam_epsilon", "1e-15")
    step = only(RULE, a_run(config=config).with_measured(STEP, [150.0], about=("embed.weight",)))
    assert step.summary == "Adam's largest step was 150 learning rates (limit 20) (embed.weight)."
    assert [item.parameter for item in step.advice] == [None, "adam_beta2", "adam_epsilon"]
