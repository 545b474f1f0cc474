"""Adapters that are still what they began as."""

from __future__ import annotations

import pytest

from rldk_tui.events import Severity
from tests.builders import a_run, only, worst

RULE, METRIC = "lora-b-zero", "checkpoint/lora_b_zero"


@pytest.mark.parametrize(
    ("step", "share", "severity"),
    [
        (20, 1.0, None),
        (21, 1.0, Severity.CRITICAL),
        (21, 0.99, Severity.WARNING),
        (100, 0.5, None),
        (100, 0.51, Severity.WARNING),
        (100, 0.0, None),
    ],
)
def test_the_limits(step: int, share: float, severity: Severity | None) -> None:
    assert worst(RULE, a_run().with_measured(METRIC, [share], first=step)) is severity


def test_the_words() -> None:
    assert "it is the base model" in only(RULE, a_run().with_measured(METRIC, [1.0], first=50)).summary
    found = only(RULE, a_run().with_measured(METRIC, [0.75], first=50, about=("layers.0.q_proj",)))
    assert "75 % of the adapter's modules are still zero at step 50 (limit 50 %) (layers.0.q_proj)." in found.summary


def test_a_later_checkpoint_that_learned_ends_it() -> None:
    found = only(RULE, a_run().with_measured(METRIC, [1.0, 0.0], first=50, every=50))
    assert not found.open
