"""Training that slows down."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.diagnosis.rules.throughput_regression import LIMITS
from rldk_tui.events import Algorithm, Metrics, Phase, Severity
from rldk_tui.run import RunSnapshot, RunStore
from tests.builders import OURS, RunBuilder, a_run, findings, only, snapshot_of, worst

RULE = "throughput-regression"


def steps(*stretches: tuple[float, int], **config: float) -> RunBuilder:
    times = [seconds for seconds, count in stretches for _ in range(count)]
    return a_run(Algorithm.GRPO, config=config).with_metric("step_time", times)


@pytest.mark.parametrize(
    ("times", "severity"),
    [
        (LIMITS.warning - 0.01, None),
        (LIMITS.warning + 0.01, Severity.WARNING),
        (LIMITS.high + 0.01, Severity.WARNING),
    ],
)
def test_the_limits_and_that_alone_it_only_warns(times: float, severity: Severity | None) -> None:
    assert worst(RULE, steps((1.0, 50), (times, 30))) is severity


def test_onset_and_detection() -> None:
    found = only(RULE, steps((0.1, 60), (0.4, 40)))
    assert (found.first_step, found.detected_step) == (61, 70), "none of ten logs may be faster"
    assert "at least 4.0 times as long as the usual 0.1 s" in found.summary
    assert found.open


def test_a_slowdown_never_becomes_usual() -> None:
    found = only(RULE, steps((1.0, 40), (2.0, 200)))
    assert found.open
    assert found.last_step == 240


def test_a_reward_that_answers_ever_more_slowly_is_seen_early() -> None:
    noise = np.random.default_rng(0).uniform(0.08, 0.15, 140)
    ramp = np.clip(0.008 * (np.arange(1, 141) - 39), 0.0, 0.8)
    found = only(RULE, a_run(Algorithm.GRPO).with_metric("step_time", list(noise + ramp)))
    assert 40 <= found.first_step <= 55
    assert found.detected_step <= 66


def test_jitter_of_a_busy_machine_is_silent() -> None:
    """The median is up fivefold for 80 steps, but now and then a step keeps the old pace."""
    assert not findings(RULE, steps((1.0, 40), *(((5.0, 8), (1.1, 1)) * 9), (1.0, 40)))
    assert not findings(RULE, steps((1.0, 40), (20.0, LIMITS.persistent - 1), (1.0, 40)))


def test_steps_that_take_no_time_anyway_are_silent() -> None:
    assert not findings(RULE, steps((0.03, 50), (0.03 + LIMITS.floor - 0.001, 50)))
    assert findings(RULE, steps((0.03, 50), (0.03 + LIMITS.floor + 0.001, 50)))


@pytest.mark.parametrize("name", ["completions/mean_length", "completions/max_length"])
def test_longer_replies_explain_slower_steps(name: str) -> None:
    slower = steps((1.0, 50), (2.0, 50))
    assert not findings(RULE, slower.with_metric(name, [100.0] * 50 + [180.0] * 50))
    assert "length of the replies taken out" in only(RULE, slower.with_metric(name, [100.0] * 50 + [110.0] * 50)).summary


def test_more_tokens_explain_slower_steps() -> None:
    tokens = np.cumsum([100.0] * 50 + [190.0] * 50)
    assert not findings(RULE, steps((1.0, 50), (2.0, 50)).with_metric("num_tokens", list(tokens)))
    assert findings(RULE, steps((1.0, 50), (2.0, 50)).with_metric("num_tokens", list(np.arange(100.0))))


def test_shorter_replies_at_the_same_pace_are_silent() -> None:
    assert not findings(RULE, steps((1.0, 100)).with_metric("completions/mean_length", [100.0] * 50 + [10.0] * 50))


def test_steps_that_generate_and_steps_that_do_not_are_taken_together() -> None:
    healthy = ([2.0] + [0.5] * 3) * 15
    slower = ([8.0] + [0.5] * 3) * 15
    run = a_run(Algorithm.GRPO, config={"num_iterations": 4}).with_metric("step_time", healthy)
    assert not findings(RULE, run)
    run = a_run(Algorithm.GRPO, config={"num_iterations": 4}).with_metric("step_time", healthy + slower)
    assert only(RULE, run).first_step in range(61, 65)


def test_averaged_logs_need_half_as_many() -> None:
    run = a_run(Algorithm.GRPO, config={"logging_steps": 10}).with_metric("step_time", [1.0] * 25 + [2.0] * 10, every=10)
    found = only(RULE, run)
    assert (found.first_step, found.detected_step) == (260, 300)


def by_the_clock(seconds: list[float], *, every: int = 1, evaluated: int = 0, pause: float = 0.0) -> RunSnapshot:
    """A run that logs no step time, with an evaluation every so many logs."""
    store = RunStore("run")
    for event, origin in a_run(Algorithm.DPO).events():
        store.add(event, origin)
    time = 1e6
    for index, second in enumerate(seconds, start=1):
        time += every * second
        store.add(Metrics(time=time, step=index * every, values={"learning_rate": 1e-6, "loss": 0.6}), OURS)
        if evaluated and index % evaluated == 0:
            time += pause
            store.add(Metrics(time=time, step=index * every, phase=Phase.EVAL, values={"loss": 0.6}), OURS)
    return snapshot_of(store)


def test_without_a_step_time_the_clock_tells() -> None:
    found = only(RULE, by_the_clock([1.0] * 50 + [2.0] * 30))
    assert (found.first_step, found.detected_step) == (51, 60)
    assert "at least 2.0 times as long as the usual 1 s" in found.summary
    assert not findings(RULE, by_the_clock([1.0] * 50, every=10))
    assert findings(RULE, by_the_clock([1.0] * 50 + [2.0] * 30, every=10))


def test_evaluations_and_saves_are_pauses_not_pace() -> None:
    assert not findings(RULE, by_the_clock([1.0] * 100, evaluated=2, pause=600.0))


def test_a_relaunch_begins_with_a_pace_of_its_own() -> None:
    run = steps((1.0, 60)).relaunched(60).with_metric("step_time", [2.0] * 60)
    assert not findings(RULE, run)


def test_without_a_clock_and_a_step_time_nothing_is_said() -> None:
    assert not findings(RULE, a_run(Algorithm.DPO).with_metric("learning_rate", [1e-6] * 60).without_clock())
