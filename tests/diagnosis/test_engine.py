"""The engine: the same answer however the log was polled, and one broken rule silences no other."""

from __future__ import annotations

import math
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.engine import Engine
from rldk_tui.diagnosis.findings import Diagnosis
from rldk_tui.diagnosis.rule import Context, NamedRule, RowRule, StateRule, StateVerdict, Telling, Verdict
from rldk_tui.events import Algorithm, Metrics, Origin, Severity
from rldk_tui.run import Rows, RunSnapshot, RunStore
from tests.builders import OURS, a_run, diagnosis_of, rule_named, snapshot_of
from tests.histories import History, at_once, histories, polled

STATE = Origin(source="trainer_state.json", format="trainer state", authority=4)


def shown(diagnosis: Diagnosis) -> str:
    """Everything a face could show; as text, since NaN is unlike itself."""
    return repr(diagnosis)


@settings(max_examples=30)
@given(histories())
def test_any_polling_gives_the_findings_of_one_poll(history: History) -> None:
    assert shown(polled(history, load_rules())) == shown(at_once(history.events, load_rules()))


@settings(max_examples=30)
@given(histories(), st.integers(1, 40))
def test_nor_does_it_matter_how_many_rows_a_rule_is_given_at_once(history: History, rows: int) -> None:
    with patch("rldk_tui.diagnosis.engine.AT_ONCE", rows):
        few = at_once(history.events, load_rules())
    assert shown(few) == shown(at_once(history.events, load_rules()))


@settings(max_examples=20)
@given(histories(), st.integers(0, 10**6))
def test_late_truth_gives_the_findings_of_early_truth(history: History, pick: int) -> None:
    """A more truthful source tells of a NaN in a row that was settled long ago."""
    logged = [event for event, _ in history.events if isinstance(event, Metrics)]
    if not logged:
        return
    told = logged[pick % len(logged)]
    name = "loss"
    truth = (Metrics(time=math.nan, step=told.step, values={name: math.nan}), STATE)
    late = History((*history.pieces, (truth,)))
    assert shown(polled(late, load_rules())) == shown(at_once(late.events, load_rules()))


def test_a_correction_of_a_settled_row_is_seen_in_its_place() -> None:
    store, engine = RunStore("run"), Engine([rule_named("nonfinite-metric")])
    for step in range(1, 30):
        store.add(Metrics(time=float(step), step=step, values={"loss": 0.0}), OURS)
        assert not engine.diagnose(snapshot_of(store)).findings
    store.add(Metrics(time=math.nan, step=7, values={"loss": math.nan}), STATE)
    (found,) = engine.diagnose(snapshot_of(store)).findings
    assert (found.first_step, found.open) == (7, False)


def _broken(rows: Rows, past: None, context: Context) -> Verdict[None]:
    raise ZeroDivisionError("by hand")


def test_a_rule_that_raises_is_told_and_the_others_still_speak() -> None:
    good = rule_named("nonfinite-metric")
    assert isinstance(good.rule, RowRule)
    bad = NamedRule("broken", replace(good.rule, watch=_broken), good.manual)
    run = a_run(Algorithm.SFT).with_metric("loss", [1.0, math.nan])
    diagnosis = Engine([bad, good]).diagnose(run.snapshot())
    (failure,) = diagnosis.failures
    assert (failure.rule, failure.scope, failure.message) == ("broken", "loss", "ZeroDivisionError: by hand")
    assert [finding.rule for finding in diagnosis.findings] == ["nonfinite-metric"]


def test_what_is_not_logged_is_told_with_how_to_log_it() -> None:
    diagnosis = Engine([rule_named("kl-too-high")]).diagnose(a_run(Algorithm.GRPO).with_metric("loss", [1.0]).snapshot())
    (silent,) = diagnosis.not_evaluated
    assert silent.applicable
    assert silent.reason == "kl is not logged"
    assert "beta" in (silent.how or "")
    assert diagnosis.evaluated == ()


def test_a_rule_that_is_not_for_this_run_is_told_apart() -> None:
    diagnosis = Engine([rule_named("truncation")]).diagnose(a_run(Algorithm.DPO).with_metric("loss", [1.0]).snapshot())
    (silent,) = diagnosis.not_evaluated
    assert not silent.applicable


@pytest.mark.parametrize(("algorithm", "possible"), [(Algorithm.DPO, False), (Algorithm.PPO, True), (None, True)], ids=str)
def test_what_a_trainer_never_has_does_not_lower_the_coverage(algorithm: Algorithm | None, possible: bool) -> None:
    (silent,) = diagnosis_of("repetition-loop", a_run(algorithm).with_metric("loss", [1.0])).not_evaluated
    assert silent.applicable == possible
    assert (silent.how is not None) == possible


def test_what_a_trainer_never_has_is_judged_all_the_same_where_it_is_logged() -> None:
    evaluated = diagnosis_of("repetition-loop", a_run(Algorithm.DPO).with_measured("samples/repeating", [0.0])).evaluated
    assert evaluated == ("repetition-loop",)


def test_the_worst_finding_stands_first_and_ids_are_unique() -> None:
    run = a_run(Algorithm.GRPO).with_metrics(loss=[math.nan, 1.0], entropy=[math.nan, 1.0])
    run = run.relaunched(0).with_metrics(loss=[math.nan, 1.0])
    found = Engine([rule_named("nonfinite-metric")]).diagnose(run.snapshot()).findings
    assert [finding.severity for finding in found] == [Severity.CRITICAL, Severity.CRITICAL, Severity.HIGH]
    assert [finding.id for finding in found] == [
        "nonfinite-metric:loss:1#2",
        "nonfinite-metric:loss:1",
        "nonfinite-metric:entropy:1",
    ]


def test_a_relaunch_ends_an_episode_and_begins_another() -> None:
    run = a_run(Algorithm.GRPO).with_metric("completions/clipped_ratio", [1.0] * 20)
    run = run.relaunched(10).with_metric("completions/clipped_ratio", [1.0] * 20)
    found = Engine([rule_named("truncation")]).diagnose(run.snapshot()).findings
    assert [(finding.first_step, finding.open) for finding in found] == [(11, True), (1, False)]


def test_a_poll_costs_its_new_rows() -> None:
    """A rule is never shown a settled row twice."""
    watched = 0

    def watch(rows: Rows, past: None, context: Context) -> Verdict[None]:
        nonlocal watched
        watched += len(rows)
        none = np.zeros(len(rows))
        return Verdict(at=np.arange(len(rows)), breach=none > 0, level=none.astype(np.int8), value=none, limit=none, past=None)

    rule = rule_named("nonfinite-metric")
    assert isinstance(rule.rule, RowRule)
    counting = NamedRule("counting", replace(rule.rule, watch=watch), rule.manual)
    store, engine = RunStore("run"), Engine([counting])
    for step in range(1, 101):
        store.add(Metrics(time=float(step), step=step, values={"loss": 0.0}), OURS)
        engine.diagnose(snapshot_of(store))
    assert watched <= 2 * 100, "each row once on trial and once settled"


def test_a_state_rule_speaks_of_the_run_as_a_whole() -> None:
    def judge(snapshot: RunSnapshot, limits: object) -> StateVerdict | None:
        return StateVerdict(severity=Severity.INFO, step=3, telling=Telling(summary=f"{len(snapshot.segments)} launches"))

    died = rule_named("run-died")
    assert isinstance(died.rule, StateRule)
    rule = NamedRule("stated", replace(died.rule, judge=judge, evaluable=lambda _: None), died.manual)
    (found,) = Engine([rule]).diagnose(a_run().with_metric("loss", [1.0]).snapshot()).findings
    assert (found.id, found.metric, found.summary, found.open) == ("stated:run:3", None, "1 launches", True)
