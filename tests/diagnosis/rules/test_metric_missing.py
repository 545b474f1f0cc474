"""A metric that does not come."""

from __future__ import annotations

from typing import Any

import pytest

from rldk_tui.diagnosis.rules.metric_missing import LIMITS
from rldk_tui.events import Algorithm, Finding, Json, Severity
from tests.builders import RunBuilder, Value, a_run, diagnosis_of, findings, only

RULE = "metric-missing"
ONE = [0.5] * 40
KEYS: dict[Algorithm, tuple[str, ...]] = {
    Algorithm.GRPO: (
        "loss",
        "grad_norm",
        "learning_rate",
        "reward",
        "reward_std",
        "frac_reward_zero_std",
        "entropy",
        "kl",
        "clip_ratio/region_mean",
        "completions/mean_length",
        "completions/clipped_ratio",
    ),
    Algorithm.KTO: ("loss", "grad_norm", "learning_rate", "kl", "entropy"),
    Algorithm.SFT: ("loss", "grad_norm", "learning_rate", "entropy", "mean_token_accuracy"),
}


def logged(algorithm: Algorithm = Algorithm.GRPO, *, without: str = "", trl: str = "1.16.0", **config: Json) -> RunBuilder:
    """A run that logs everything the trainer logs, but for one metric."""
    settings: dict[str, Json] = {"beta": 0.04, "max_grad_norm": 1.0, **config}
    run = a_run(algorithm, config=settings, versions={"trl": trl} if trl else {})
    for key in KEYS[algorithm]:
        if key != without:
            run = run.with_metric(key, ONE)
    return run


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_trainer_that_logs_what_it_should_is_silent(algorithm: Algorithm) -> None:
    assert not findings(RULE, logged(algorithm))


def test_what_stops_coming_is_missed_after_three_logs() -> None:
    found = only(RULE, logged(without="entropy", trl="").with_metric("entropy", [0.5] * 20))
    assert (found.severity, found.metric) == (Severity.WARNING, "entropy")
    assert (found.first_step, found.detected_step) == (21, 20 + LIMITS.logs)
    assert "missing from the log since step 21" in found.summary
    assert found.open


def test_a_hole_is_not_missed_and_what_comes_again_closes() -> None:
    hole: list[Value] = [*[0.5] * 20, *[...] * (LIMITS.logs - 1), *[0.5] * 18]
    assert not findings(RULE, logged(without="entropy").with_metric("entropy", hole))
    hole = [*[0.5] * 20, *[...] * LIMITS.logs, *[0.5] * 17]
    assert not only(RULE, logged(without="entropy").with_metric("entropy", hole)).open


def test_none_is_logged() -> None:
    values: list[Value] = [0.5, *[None] * 39]
    assert not findings(RULE, logged(without="reward").with_metric("reward", values))


@pytest.mark.parametrize(("trl", "known"), [("1.16.0", True), ("1.12.0", True), ("1.11.3", False), ("", False)])
def test_what_never_came_is_missed_where_the_version_is_known(trl: str, known: bool) -> None:
    found = findings(RULE, logged(without="kl", trl=trl))
    assert bool(found) is known
    assert all("never came" in finding.summary for finding in found)


@pytest.mark.parametrize(
    ("without", "config"),
    [
        ("kl", {"beta": 0.0}),
        ("kl", {"beta": None}),
        ("grad_norm", {"max_grad_norm": 0.0}),
        ("clip_ratio/region_mean", {"loss_type": "cispo"}),
        ("entropy", {"use_liger_kernel": True}),
    ],
)
def test_what_is_not_due_is_not_missed(without: str, config: dict[str, Json]) -> None:
    assert not findings(RULE, logged(without=without, **config))


def test_what_belongs_to_a_generation_comes_with_it() -> None:
    def found(values: list[Value], **config: Any) -> tuple[Finding, ...]:
        return findings(RULE, logged(without="reward", **config).with_metric("reward", values))

    one_in_four: list[Value] = [0.5, ..., ..., ...] * 10
    assert found(one_in_four, num_iterations=1)
    assert not found(one_in_four), "nothing tells how often it generates"
    assert found([0.5, *[...] * 3 * LIMITS.cycle])
    assert not found(one_in_four, num_iterations=4)
    assert not found(one_in_four, steps_per_generation=8, gradient_accumulation_steps=2)
    assert not found([*one_in_four[:20], *[...] * 8, *one_in_four[:12]], num_iterations=4)
    assert found([*one_in_four[:20], *[...] * 20], num_iterations=4)


def test_rows_of_something_else_are_no_logs() -> None:
    run = logged().with_metric("eval/loss", [0.5] * 60).with_metric("system/process_rss", [1e9] * 60)
    assert not findings(RULE, run.with_metric("my/own", [1.0] * 60))


def test_ktos_chosen_and_rejected_come_and_go() -> None:
    run = logged(Algorithm.KTO).with_metric("rewards/chosen", [0.5] * 5).with_metric("logps/rejected", [0.5] * 5)
    assert not findings(RULE, run)


def test_an_unknown_trainer_is_not_judged() -> None:
    diagnosis = diagnosis_of(RULE, a_run().with_metrics(loss=ONE, kl=[0.1] * 5))
    assert not diagnosis.findings
    assert not diagnosis.not_evaluated[0].applicable
