"""Runs for the screens: made of events, judged by the real rules, at a moment that is data."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from rldk_tui.analysis import RewardRecord
from rldk_tui.diagnosis.engine import Engine
from rldk_tui.diagnosis.findings import NotEvaluated
from rldk_tui.events import (
    Advice,
    Algorithm,
    Completion,
    Completions,
    Event,
    Evidence,
    ExtractionError,
    Finding,
    Gpu,
    ReadProblem,
    Severity,
    System,
)
from rldk_tui.run import RunStore
from rldk_tui.scoring import Cap, Dimension, Score
from rldk_tui.session import RunHealth, health_of
from rldk_tui.tui.metric_lines import MetricLines
from rldk_tui.tui.view import View
from tests.builders import OURS, RunBuilder, a_run

_GIB = 1024**3
_START = 1e6


def health_of_run(
    run: RunBuilder,
    *also: Event,
    silent: float = 1.0,
    alive: bool | None = True,
    problems: tuple[ReadProblem, ...] = (),
    name: str = "grpo-qwen-17",
) -> RunHealth:
    """The run's health `silent` seconds after its last event."""
    store, rewards = RunStore(name), RewardRecord()
    for event, origin in (*run.events(), *((event, OURS) for event in also)):
        store.add(event, origin)
        if isinstance(event, Completions):
            rewards.add(event)
    pulse = store.pulse(process_alive=alive)
    snapshot = store.snapshot((pulse.last_event_at or 0.0) + silent, problems, pulse)
    return replace(health_of(Path("runs") / name, snapshot, Engine()), rewards=rewards.account())


def view_of_run(health: RunHealth, *, host: str = "h", gone: bool = False) -> View:
    """What the feed would post."""
    return View(health, MetricLines().update(health.snapshot), host, gone, health.checkpoints())


def healthy_run(steps: int = 60) -> RunBuilder:
    """A GRPO run that learns and logs all that its trainer logs."""
    there = [step / steps for step in range(steps)]
    run = a_run(
        Algorithm.GRPO, max_steps=200, model="Qwen/Qwen2.5-0.5B", seed=42, versions={"trl": "1.12.0"}, config={"beta": 0.04}
    )
    run = run.with_metric("completions/mean_length", [180.0 + 9 * math.sin(step) for step in range(steps)])
    run = run.with_metric("completions/clipped_ratio", [0.02 + 0.01 * math.sin(step) for step in range(steps)])
    return run.with_metric("clip_ratio/region_mean", [0.0] * steps).with_metrics(
        reward=[0.2 + 0.5 * at for at in there],
        kl=[0.1 * at for at in there],
        entropy=[1.5 - 0.5 * at for at in there],
        grad_norm=[0.4 + 0.05 * math.sin(step) for step in range(steps)],
        frac_reward_zero_std=[0.1] * steps,
        reward_std=[0.3 + 0.02 * math.cos(step) for step in range(steps)],
        learning_rate=[1e-6 * (1 - step / 200) for step in range(steps)],
        loss=[0.001 * at for at in there],
        num_tokens=[1000.0 * step for step in range(steps)],
    )


def troubled_run(steps: int = 60) -> RunBuilder:
    """The same run with its replies cut off, a kl beyond its band and a NaN gradient."""
    return (
        healthy_run(steps)
        .with_metric("completions/clipped_ratio", [0.7] * steps)
        .with_metric("completions/mean_length", [512.0] * steps)
        .with_metric("kl", [0.1 + 0.1 * step for step in range(steps)])
        .with_metric("grad_norm", [math.nan if step == 30 else 0.4 for step in range(steps)])
    )


def machine(steps: int = 60) -> tuple[Event, ...]:
    """Samples of a GPU node."""
    return tuple(
        System(
            time=_START + step,
            step=step,
            process_rss=int((20 + step / 30) * _GIB),
            process_cpu_percent=412.0,
            host_memory_used=60 * _GIB,
            host_memory_total=128 * _GIB,
            host_cpu_percent=31.0,
            disk_free=182 * _GIB,
            disk_total=466 * _GIB,
            torch_allocated=58 * _GIB,
            torch_reserved=66 * _GIB,
            torch_peak=69 * _GIB,
            gpus=(
                Gpu(
                    index=0,
                    name="NVIDIA H200",
                    memory_used=71 * _GIB,
                    memory_total=140 * _GIB,
                    utilization_percent=93.0,
                    power_watts=612.0,
                    temperature_celsius=64.0,
                ),
            ),
        )
        for step in range(1, steps)
    )


def completions(*texts: str, step: int = 60, prompt: str = "Q: If 3 pens cost 6, what does one cost?") -> Completions:
    """A step's completions, the first with the lowest reward."""
    rows = tuple(
        Completion(
            prompt=prompt, completion=text, rewards={"correct": at / 4}, length=len(text), advantage=-0.5, truncated=at == 0
        )
        for at, text in enumerate(texts)
    )
    return Completions(time=_START + step, step=step, rows=rows)


FINDINGS = (
    Finding(
        id="truncation:completions/clipped_ratio:1",
        rule="truncation",
        severity=Severity.CRITICAL,
        metric="completions/clipped_ratio",
        first_step=1,
        last_step=60,
        detected_step=8,
        open=True,
        summary="Up to 97 % of the replies were cut off at the limit of 512 tokens (median of 10 logs, limit 95 %).",
        evidence=Evidence(
            metric="completions/clipped_ratio",
            steps=tuple(range(1, 61)),
            values=tuple(0.2 + 0.77 * step / 60 for step in range(60)),
            limit=0.95,
            peak=0.97,
            peak_step=60,
        ),
        cause="The policy does not end its replies within the allowed length, so the reward grades fragments.",
        advice=(
            Advice(text="Allow longer replies", parameter="max_completion_length", current=512.0, proposed="1024"),
            Advice(text="Make the reward pay for ending a reply."),
        ),
    ),
    Finding(
        id="kl-too-high:kl:7",
        rule="kl-too-high",
        severity=Severity.HIGH,
        metric="kl",
        first_step=7,
        last_step=60,
        detected_step=9,
        open=True,
        summary="KL to the reference reached 5.7 nat/token at step 60 (median of 5 logs, limit 0.5).",
    ),
    Finding(
        id="nonfinite-metric:grad_norm:31",
        rule="nonfinite-metric",
        severity=Severity.WARNING,
        metric="grad_norm",
        first_step=31,
        last_step=31,
        detected_step=31,
        open=False,
        summary="Gradient norm was NaN at step 31.",
    ),
    Finding(
        id="kl-nonzero-at-start:kl:1",
        rule="kl-nonzero-at-start",
        severity=Severity.INFO,
        metric="kl",
        first_step=1,
        last_step=6,
        detected_step=1,
        open=False,
        summary="KL to the reference is 0.1 nat/token in the first log, before anything was learned.",
    ),
)
"""Said once and for all: what the rules say today belongs to the rules' own tests."""

SILENT = (
    NotEvaluated("kl-negative", "this trainer's KL estimate cannot be negative", None, applicable=False),
    NotEvaluated("entropy-collapse", "entropy is not logged", "use trl >= 0.24, which logs it", applicable=True),
)


def judged(health: RunHealth, findings: tuple[Finding, ...]) -> RunHealth:
    """The run with these findings instead of the rules' own."""
    score = (
        Score(0.39, "F?", 0.83, (Cap(0.39, "truncation (critical, open)"),), {})
        if findings
        else Score(0.97, "B?", 0.83, (), {Dimension.LEARNING: 0.97})
    )
    rules = ("dead-gradient", "kl-too-high", "nonfinite-metric", "truncation")
    return replace(health, findings=findings, evaluated=rules, not_evaluated=SILENT, score=score)


def full_view() -> View:
    """Everything there can be on the main screen."""
    health = health_of_run(
        troubled_run(),
        *machine(),
        completions("Let us think step step step step", "so the answer is 2", "2"),
        ExtractionError(time=_START + 5, step=5, metric="kl", message="the value was no number", value="'n/a'"),
        problems=(ReadProblem(source="rldk/events-rank00000.jsonl", message="line is no JSON", line=17, count=2),),
    )
    return view_of_run(judged(health, FINDINGS))


def healthy_view() -> View:
    """A healthy run with all there is to show."""
    return view_of_run(judged(health_of_run(healthy_run(), *machine(), completions("so the answer is 2", "2")), ()))


def empty_view() -> View:
    """A run of which only the start is known."""
    return view_of_run(judged(health_of_run(a_run(Algorithm.GRPO, max_steps=200), alive=True), ()))
