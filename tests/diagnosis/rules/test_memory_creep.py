"""Memory that grows and grows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rldk_tui.diagnosis.rules.memory_creep import HOST, LIMITS, OF_TORCH, ON_GPU
from rldk_tui.events import Algorithm, Json, Severity
from tests.builders import RunBuilder, a_run, diagnosis_of, findings, only, worst

RULE = "memory-creep"
MIB, GIB = 2.0**20, 2.0**30
NOISE = np.random.default_rng(0).uniform(-2 * MIB, 2 * MIB, 400)


def process(sizes: NDArray[np.float64], *, scope: str = HOST, every: int = 1, **config: Json) -> RunBuilder:
    return a_run(Algorithm.GRPO, config=config).with_metric(scope, list(sizes), every=every)


def leak(a_step: float, *, begins: int = 40, base: float = GIB, steps: int = 140, every: int = 1) -> NDArray[np.float64]:
    """Bytes at each sample: a level with its noise, and what leaks from a step on."""
    at = np.arange(every, steps + 1, every)
    return base + NOISE[: at.size] + a_step * np.maximum(0, at - begins)


@pytest.mark.parametrize("a_step", [2 * MIB, 8 * MIB])
def test_a_leak_of_some_megabytes_a_step_is_seen_soon(a_step: float) -> None:
    found = only(RULE, process(leak(a_step)))
    assert found.severity is Severity.WARNING
    assert 40 <= found.first_step <= found.detected_step <= 62
    assert found.open
    assert "Process memory grew by" in found.summary


def test_the_limit_is_five_percent_in_a_hundred_steps() -> None:
    below, above = 0.8 * LIMITS.growth * GIB / 100, 1.3 * LIMITS.growth * GIB / 100
    assert not findings(RULE, process(leak(below, begins=0, steps=400)))
    assert findings(RULE, process(leak(above, begins=0, steps=400)))


def test_samples_every_few_steps_do() -> None:
    found = only(RULE, process(leak(MIB, begins=0, steps=400, every=10), every=10))
    assert found.detected_step <= 160


def test_what_was_loaded_at_the_start_is_no_leak() -> None:
    loaded = GIB * (1 - np.exp(-np.arange(200) / 15.0))
    assert not findings(RULE, process(GIB + NOISE[:200] + loaded))


def test_jumps_with_rests_between_are_an_allocator_at_work() -> None:
    assert not findings(RULE, process(GIB + NOISE[:200] + 200 * MIB * (np.arange(200) // 60)))


def test_memory_that_comes_and_goes_is_silent() -> None:
    assert not findings(RULE, process(GIB + NOISE[:300] + 100 * MIB * np.abs(np.sin(np.arange(300) / 8.0))))


def test_a_full_machine_makes_it_grave_only_beside_another_finding() -> None:
    run = process(leak(8 * MIB))
    run = run.with_metric("system/host_memory_used", [97 * GIB] * 140).with_metric(
        "system/host_memory_total", [100 * GIB] * 140
    )
    found = only(RULE, run)
    assert found.severity is Severity.WARNING
    assert "the rest is used up in" in found.summary


def test_a_gpu_that_is_full_but_steady_is_normal() -> None:
    run = process(78 * GIB + NOISE[:140], scope=ON_GPU).with_metric("system/gpu_memory_total", [80 * GIB] * 140)
    assert worst(RULE, run) is None


def test_longer_replies_explain_what_the_gpu_needs() -> None:
    growing = process(leak(50 * MIB, base=10 * GIB), scope=OF_TORCH, torch_empty_cache_steps=None)
    assert not findings(RULE, growing.with_metric("completions/max_length", list(np.arange(140.0) + 100)))
    found = only(RULE, growing.with_metric("completions/max_length", [200.0, 100.0] * 70))
    assert found.advice[1].parameter == "torch_empty_cache_steps"


def test_torch_is_asked_before_the_whole_gpu() -> None:
    run = process(np.full(140, GIB), scope=OF_TORCH).with_metric(ON_GPU, list(leak(50 * MIB)))
    assert not findings(RULE, run)
    assert findings(RULE, process(leak(50 * MIB), scope=ON_GPU))


def test_a_vllm_run_is_told_to_leave_more_of_the_gpu() -> None:
    run = process(leak(50 * MIB), scope=OF_TORCH, use_vllm=True, vllm_gpu_memory_utilization=0.5)
    advice = only(RULE, run).advice[-1]
    assert (advice.parameter, advice.current, advice.proposed) == ("vllm_gpu_memory_utilization", 0.5, "0.4")


def test_without_machine_samples_it_is_not_evaluated() -> None:
    assert diagnosis_of(RULE, a_run().with_metrics(loss=[1.0] * 60)).not_evaluated
