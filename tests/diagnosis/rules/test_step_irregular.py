"""Steps that do not fit together."""

from __future__ import annotations

from collections.abc import Iterable

from rldk_tui.diagnosis.rules.step_irregular import LIMITS
from rldk_tui.events import Algorithm, Metrics, Origin, RunStarted, Severity
from rldk_tui.run import RunSnapshot, RunStore
from tests.builders import a_run, diagnosis_of, findings, only, snapshot_of

RULE = "step-irregular"


def launches(*began_at: float, metric: str = "loss", steps: int = 200) -> RunSnapshot:
    """Trainings of a step a second in one folder."""
    store = RunStore("run")
    for number, began in enumerate(began_at):
        origin = Origin(source=f"rldk/events-{number}.jsonl", format="RLDK event log", authority=12)
        store.add(RunStarted(time=began, schema_version=1, run_id=f"{number}", host="h", pid=number + 1), origin)
        for step in range(1, steps + 1):
            store.add(Metrics(time=began + step, step=step, values={metric: 1.0}), origin)
    return snapshot_of(store)


def test_two_trainings_at_once_are_told() -> None:
    found = only(RULE, launches(1e6, 1e6 + 100))
    assert (found.severity, found.first_step) == (Severity.HIGH, 1)
    assert "h:1 and, meanwhile, by h:2" in found.summary


def test_one_after_the_other_is_a_relaunch() -> None:
    assert not findings(RULE, launches(1e6, 1e6 + 201))
    assert not findings(RULE, launches(1e6, 1e6 + 201 - LIMITS.clocks)), "two machines, two clocks"


def test_an_evaluation_beside_the_training_is_no_second_training() -> None:
    assert not findings(RULE, launches(1e6, 1e6 + 100, metric="eval/loss"))


def test_two_tables_that_name_no_process_are_no_two_trainings() -> None:
    store = RunStore("run")
    for number in (0, 1):
        origin = Origin(source=f"{number}.jsonl", format="metrics JSONL", authority=6)
        for step in range(1, 201):
            store.add(Metrics(time=1e6 + 100 * number + step, step=step, values={"loss": 1.0 + number}), origin)
    snapshot = snapshot_of(store)
    assert len(snapshot.segments) == 2
    assert not findings(RULE, snapshot)


def test_a_resumed_run_is_silent() -> None:
    run = a_run(Algorithm.GRPO, config={"logging_steps": 1}).with_metric("loss", [1.0] * 60)
    assert not findings(RULE, run.relaunched(40).with_metric("loss", [1.0] * 60))


def logged(steps: Iterable[int], **config: object) -> RunSnapshot:
    store = RunStore("run")
    for event, origin in a_run(Algorithm.DPO, config={"logging_steps": 10, **config}).events():
        store.add(event, origin)
        for step in steps:
            store.add(Metrics(time=1e6 + step, step=step, values={"loss": 1.0}), origin)
    return snapshot_of(store)


def test_a_log_of_which_half_is_missing_is_remarked() -> None:
    found = only(RULE, logged(range(10, 1000, 30)))
    assert found.severity is Severity.INFO
    assert "33 entries where 97 were to be expected" in found.summary


def test_a_log_that_keeps_its_promise_is_silent() -> None:
    assert not findings(RULE, logged(range(10, 1000, 10)))
    assert not findings(RULE, logged(range(10, 1000, 15)))
    assert not findings(RULE, logged(range(100, 1000, 100), logging_strategy="epoch"))
    assert not findings(RULE, logged(range(10, 200, 30))), "too few to say"


def test_an_empty_run_is_not_evaluated() -> None:
    assert diagnosis_of(RULE, a_run()).not_evaluated
