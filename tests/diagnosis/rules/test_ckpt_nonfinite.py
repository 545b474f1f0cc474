"""NaN in a checkpoint."""

from __future__ import annotations

from rldk_tui.events import Severity
from tests.builders import a_run, findings, only

RULE, METRIC = "ckpt-nonfinite", "checkpoint/nonfinite_tensors"


def test_one_tensor_is_enough_and_is_named() -> None:
    run = a_run().with_measured(METRIC, [0.0, 0.0], first=100, every=100)
    assert not findings(RULE, run)
    found = only(RULE, run.with_measured(METRIC, [1.0], first=300, about=("lm_head.weight",)))
    assert (found.severity, found.first_step, found.open) == (Severity.CRITICAL, 300, True)
    assert found.summary == "The checkpoint of step 300 holds 1 tensor that is not finite (lm_head.weight)."
    assert found.evidence.rows == ("lm_head.weight",)


def test_one_clean_checkpoint_ends_it() -> None:
    found = only(RULE, a_run().with_measured(METRIC, [0.0, 3.0, 2.0, 0.0], first=100, every=100))
    assert (found.first_step, found.last_step, found.open) == (200, 300, False)
    assert "3 tensors" in found.summary
