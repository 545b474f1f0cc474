"""Evaluation prompts in the training data."""

from __future__ import annotations

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, findings, only, worst

RULE, OVERLAP = "eval-train-overlap", "hook/eval_overlap"


@pytest.mark.parametrize(("share", "severity"), [(0.0, None), (0.01, None), (0.011, Severity.HIGH), (None, None)])
def test_the_limit(share: float | None, severity: Severity | None) -> None:
    assert worst(RULE, a_run(Algorithm.SFT).with_measured(OVERLAP, [share])) is severity


def test_a_run_that_does_not_evaluate_is_left_out() -> None:
    run = a_run(Algorithm.SFT, config={"eval_strategy": "no"}).with_measured(OVERLAP, [1.0])
    assert not findings(RULE, run)


def test_the_words_name_the_prompts() -> None:
    found = only(RULE, a_run().with_measured(OVERLAP, [0.5], about=("eval 3", "eval 9")))
    assert "50 % of the evaluation's prompts" in found.summary
    assert "(eval 3, eval 9)" in found.summary
    assert found.evidence.rows == ("eval 3", "eval 9")
