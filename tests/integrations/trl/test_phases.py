"""Where the time of a step goes, by a clock that the test moves and in real trainings."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rldk_tui.events import Algorithm, ExtractionError, ExtractionKind, Measured
from rldk_tui.integrations.trl.border import Border
from rldk_tui.integrations.trl.phases import EVAL, GENERATE, SCORE, UPDATE, Stopwatch
from rldk_tui.integrations.trl.throughput import Throughput, samples_per_step
from rldk_tui.integrations.trl.wrapping import Wrapping
from rldk_tui.metrics.phases import PHASES
from sample_runs.tiny_models import Models
from sample_runs.trainings import common_arguments
from tests.integrations.trl.conftest import EventLog, log_of
from tests.integrations.trl.test_generations import arguments, attached, callback, group_trainer
from tests.integrations.trl.trainers import TRAINERS

KNOWN = {metric.name for metric in PHASES}


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_moment_belongs_to_one_phase_and_an_evaluation_takes_what_it_encloses() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    watch.enter(UPDATE)
    clock.now += 1
    with watch.phase(GENERATE):
        clock.now += 10
    clock.now += 2
    with watch.phase(SCORE):
        clock.now += 100
    clock.now += 4
    watch.enter(None)
    clock.now += 1000
    with watch.phase(EVAL), watch.phase(GENERATE):
        clock.now += 10_000
    assert watch.taken((UPDATE, GENERATE, SCORE, EVAL), 1) == {
        "hook/time_update": 7.0,
        "hook/time_generate": 10.0,
        "hook/time_score": 100.0,
        "hook/time_eval": 10_000.0,
    }
    assert watch.taken((UPDATE,), 2) == {"hook/time_update": 0.0}


def test_a_phase_that_fails_ends_and_the_failure_is_the_callers() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    watch.enter(UPDATE)

    def failing() -> None:
        with watch.phase(GENERATE):
            clock.now += 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    clock.now += 5
    watch.enter(None)
    assert watch.taken((UPDATE, GENERATE), 1) == {"hook/time_update": 5.0, "hook/time_generate": 1.0}


def test_a_clock_that_fails_is_told_and_is_no_failure_of_the_trainers_call() -> None:
    told: list[str] = []

    def failing() -> float:
        raise RuntimeError("this allocator keeps no statistics")

    watch = Stopwatch(Clock(), partial(Border(told.append).attempt, "measure the phases of a step"))
    watch._clock = failing
    with watch.phase(GENERATE):
        done = True
    assert done
    assert told == ["could not measure the phases of a step: RuntimeError: this allocator keeps no statistics"]


def test_methods_are_put_back_whoever_wrapped_them_after_us() -> None:
    class Trainer:
        def work(self) -> str:
            return "done"

    trainer, ours = Trainer(), Wrapping()
    assert ours.wrap(trainer, "work", lambda original: lambda: original() + " and seen")
    assert not ours.wrap(trainer, "rest", lambda original: original)
    assert trainer.work() == "done and seen"
    ours.undo()
    assert "work" not in vars(trainer)

    first, second = Wrapping(), Wrapping()
    first.wrap(trainer, "work", lambda original: lambda: original() + " and seen")
    second.wrap(trainer, "work", lambda original: lambda: original() + " and timed")
    assert trainer.work() == "done and seen and timed"
    first.undo()
    assert trainer.work() == "done and timed"
    second.undo()
    assert "work" not in vars(trainer)

    ours.wrap(trainer, "work", lambda original: lambda: original())
    inner = trainer.work
    trainer.work = lambda: inner() + " by them"  # type: ignore[method-assign]
    ours.undo()
    assert trainer.work() == "done by them"
    assert not ours.active


def test_throughput_is_of_whole_steps_and_says_nothing_of_what_is_not_counted() -> None:
    clock = Clock()
    measured: list[dict[str, float]] = []
    state = SimpleNamespace(num_input_tokens_seen=0)
    args = SimpleNamespace(train_batch_size=4, gradient_accumulation_steps=2, world_size=3)
    training: Any = SimpleNamespace(is_main=True, state=state, args=args, recorder=SimpleNamespace(measure=measured.append))
    part = Throughput(interval=2, clock=clock)
    part.begin(training)
    for step in range(1, 6):
        clock.now += 0.5
        state.num_input_tokens_seen += 100 * (step < 4)
        part.step_end(step)
    assert measured == [
        {"hook/step_time": 0.5, "hook/samples_per_second": 48.0, "hook/tokens_per_second": 200.0},
        {"hook/step_time": 0.5, "hook/samples_per_second": 48.0},
    ]


def test_samples_of_a_step_are_not_known_where_the_arguments_do_not_say() -> None:
    assert samples_per_step(SimpleNamespace(batch_size=16, train_batch_size=4)) == 16
    unknown = samples_per_step(SimpleNamespace(train_batch_size=4))
    assert unknown != unknown


def _named(log: EventLog, prefix: str) -> dict[int, dict[str, float]]:
    found: dict[int, dict[str, float]] = {}
    for event in log.of(Measured):
        for name, value in event.values.items():
            if name.startswith(prefix) and value is not None:
                found.setdefault(event.step, {})[name] = value
    return found


@pytest.mark.train
def test_every_phase_of_a_profiled_grpo_training_is_measured_at_its_step(models: Models, tmp_path: Path) -> None:
    watcher = callback(profile=True)
    given = arguments(tmp_path, eval_strategy="steps", eval_steps=2, per_device_eval_batch_size=4) | {
        "save_strategy": "steps",
        "save_steps": 4,
    }

    def slow(completions: list[str], **_: Any) -> list[float]:
        import time

        time.sleep(0.1)
        return [0.0 for _ in completions]

    trainer = group_trainer(models, "GRPO", slow, given, watcher, eval={"prompt": ["name small city :"]})
    watcher.attach(trainer)
    trainer.train()
    log = log_of(tmp_path)
    times = _named(log, "hook/time_")
    steps = {"hook/time_generate", "hook/time_score", "hook/time_update"}
    assert {step: set(row) - steps for step, row in times.items()} == {
        1: set(),
        2: {"hook/time_eval"},
        3: set(),
        4: {"hook/time_eval", "hook/time_save"},
    }
    assert all(row["hook/time_score"] >= 0.1 and row["hook/time_generate"] > 0 for row in times.values())
    assert times[2]["hook/time_eval"] >= 0.1
    assert {name for row in times.values() for name in row} <= KNOWN
    assert not vars(trainer).keys() & {"_generate", "_calculate_rewards", "_save_checkpoint", "evaluate"}
    whole = {step: row["hook/step_time"] for step, row in _named(log, "hook/step_time").items()}
    assert sorted(whole) == [2, 3, 4]
    assert whole[3] >= sum(times[3].values()) + times[2]["hook/time_eval"]  # evaluated after the end of step 2


@pytest.mark.train
@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [(Algorithm.SFT, {"update", "save", "eval"}), (Algorithm.PPO, {"generate", "score", "update", "save"})],
)
def test_other_trainers_are_profiled_as_far_as_they_have_these_phases(
    algorithm: Algorithm, expected: set[str], models: Models, tmp_path: Path
) -> None:
    watcher = callback(profile=True)
    with attached(watcher):
        TRAINERS[algorithm](models, {**common_arguments(str(tmp_path), 4), "save_steps": 2}, [watcher])
    log = log_of(tmp_path)
    assert {name for row in _named(log, "hook/time_").values() for name in row} == {f"hook/time_{phase}" for phase in expected}
    assert not [event for event in log.of(ExtractionError) if (event.metric or "").startswith("hook/time_")]


@pytest.mark.train
def test_an_unattached_trainer_that_samples_is_not_said_to_update_all_the_time(models: Models, tmp_path: Path) -> None:
    group_trainer(
        models, "GRPO", lambda completions, **_: [0.0] * len(completions), arguments(tmp_path), callback(profile=True)
    ).train()
    log = log_of(tmp_path)
    assert _named(log, "hook/time_") == {}
    told = [event for event in log.of(ExtractionError) if (event.metric or "").startswith("hook/time_")]
    assert [(event.kind, "attach(trainer)" in (event.advice or "")) for event in told] == [(ExtractionKind.UNAVAILABLE, True)]
