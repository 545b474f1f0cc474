"""Tied embeddings that differ."""

from __future__ import annotations

import pytest

from rldk_tui.events import Severity
from tests.builders import a_run, only, worst

RULE, METRIC = "ckpt-tied-embedding-broken", "checkpoint/tied_mismatch"


@pytest.mark.parametrize(("difference", "severity"), [(0.0, None), (1e-7, None), (1e-5, Severity.HIGH), (None, None)])
def test_the_limit(difference: float | None, severity: Severity | None) -> None:
    assert worst(RULE, a_run().with_measured(METRIC, [difference])) is severity


def test_the_words() -> None:
    found = only(RULE, a_run().with_measured(METRIC, [0.0, 0.4], first=50, every=50, about=("lm_head.weight",)))
    assert "step 100 holds input and output embeddings that differ by 40 %" in found.summary
    assert "(lm_head.weight)" in found.summary
