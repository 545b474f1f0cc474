"""Rows of weights that died."""

from __future__ import annotations

import pytest

from rldk_tui.events import Severity
from tests.builders import a_run, only, worst

RULE, METRIC = "ckpt-dead-units", "checkpoint/newly_dead_rows"


@pytest.mark.parametrize(
    ("share", "severity"),
    [(0.0, None), (0.001, None), (0.0011, Severity.WARNING), (0.01, Severity.WARNING), (0.011, Severity.HIGH)],
)
def test_the_limits(share: float, severity: Severity | None) -> None:
    assert worst(RULE, a_run().with_measured(METRIC, [share])) is severity


def test_the_words() -> None:
    config = {"learning_rate": 3e-5, "weight_decay": 0.1}
    run = a_run(config=config).with_measured(METRIC, [0.0, 0.02], first=50, every=50, about=("mlp.up_proj.weight",))
    found = only(RULE, run)
    assert "2 % of the rows" in found.summary
    assert "(mlp.up_proj.weight)" in found.summary
    assert [(item.parameter, item.proposed) for item in found.advice[1:]] == [
        ("learning_rate", "1e-05"),
        ("weight_decay", "0.0"),
    ]
    free = only(RULE, a_run(config={"weight_decay": 0.0, "learning_rate": 3e-5}).with_measured(METRIC, [0.02]))
    assert len(free.advice) == 2
