"""Random histories of a run, for what must hold for any: stretches of level and noise, holes, None, NaN, relaunches."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import strategies as st

from rldk_tui.diagnosis.engine import Engine
from rldk_tui.diagnosis.findings import Diagnosis
from rldk_tui.diagnosis.rule import NamedRule
from rldk_tui.events import Algorithm, Event, Heartbeat, Metrics, Origin, RunEnded, RunStarted
from rldk_tui.metrics import CATALOGUE, MEASURED
from rldk_tui.run import RunStore
from tests.builders import OURS, snapshot_of

METRICS = (
    "reward",
    "reward_std",
    "kl",
    "entropy",
    "loss",
    "grad_norm",
    "learning_rate",
    "epoch",
    "frac_reward_zero_std",
    "completions/clipped_ratio",
    "completions/mean_length",
    "rewards/margins",
    "rewards/a/mean",
    "rewards/a/std",
    "rewards/b/mean",
    "rewards/b/std",
    "eval/reward",
    "gold",
    "completions/mean_terminated_length",
    "samples/unique_in_group",
    "tools/call_frequency",
    "tools/failure_frequency",
    "val/ratio_var",
    "policy/approxkl_avg",
    "policy/clipfrac_avg",
    "val/ratio",
    "loss/value_avg",
    "step_time",
    "my/own",
    "rewards/accuracies",
    "rewards/chosen",
    "logps/chosen",
    "accuracy",
    "margin",
    "max_reward",
    "min_reward",
    "eval/loss",
    "eval/accuracy",
    "objective/non_score_reward",
    "num_tokens",
    "sampling/sampling_logp_difference/mean",
)
MEASURES = tuple(metric.name for metric in CATALOGUE if metric.name.startswith(MEASURED))
"""What is measured beside the log: any of it may be in a row too."""
LEVELS = (0.0, 1e-9, 0.001, 0.02, 0.3, 0.6, 0.97, 1.0, 3.0, 12.0, 30.0, 200.0, -0.7, -1.5, -6.0)
STRANGE = (math.nan, math.inf, -math.inf, None, 1e308, -1e308, 5e-324)
CONFIGS: tuple[dict[str, object], ...] = (
    {},
    {
        "learning_rate": 3e-2,
        "beta": 0.04,
        "num_generations": 8,
        "per_device_train_batch_size": 24,
        "logging_steps": 1,
        "reward_weights": None,
    },
    {"logging_steps": 10, "fp16": True, "temperature": 0.1, "top_k": 5, "response_length": 53, "warmup_steps": 5},
    {"loss_type": ["sigmoid"], "max_completion_length": 256, "mask_truncated_completions": True, "warmup_ratio": 0.1},
)


@dataclass(frozen=True)
class History:
    """Events in the order they were written, in pieces as a log is polled."""

    pieces: tuple[tuple[tuple[Event, Origin], ...], ...]

    @property
    def events(self) -> tuple[tuple[Event, Origin], ...]:
        return tuple(event for piece in self.pieces for event in piece)


def _series(rng: random.Random, length: int) -> list[float | str | None]:
    """Stretches, each with its level, noise and share of strange values; "" is not logged."""
    values: list[float | str | None] = []
    while len(values) < length:
        level, noise = rng.choice(LEVELS), rng.choice((0.0, 0.0, 0.1))
        slope = rng.choice((0.0, 0.0, 0.01, -0.02))
        odd, holes = rng.choice((0.0, 0.0, 0.1, 1.0)), rng.choice((0.0, 0.0, 0.3))
        for index in range(rng.choice((1, 3, 9, 25, 60))):
            if rng.random() < holes:
                values.append("")
            elif rng.random() < odd:
                values.append(rng.choice(STRANGE))
            else:
                values.append(level * (1 + noise * rng.gauss(0, 1)) + slope * index)
    return values[:length]


def random_events(rng: random.Random) -> list[Event]:
    """The log of a run of one to three launches, any trainer, any metrics."""
    algorithm = rng.choice((None, *Algorithm))
    config = rng.choice(CONFIGS)
    events: list[Event] = []
    step, time = 0, 0.0
    for launch in range(rng.choice((1, 1, 2, 3))):
        first = max(0, step - rng.choice((0, 0, 4, 10)))
        time += 50.0
        events.append(
            RunStarted(
                time=time, schema_version=1, run_id="r", host="h", pid=launch, algorithm=algorithm,
                config=dict(config), first_step=first, max_steps=rng.choice((None, 10, 400)),
            )
        )  # fmt: skip
        length = rng.choice((0, 1, 2, 12, 90, 130))
        every = rng.choice((1, 1, 5))
        share = rng.choice((0.1, 0.7))
        names = [*METRICS, *MEASURES] if share < 0.5 else METRICS
        logged = {name: _series(rng, length) for name in names if rng.random() < share}
        if "epoch" in logged and rng.random() < 0.7:
            logged["epoch"] = [(index + 1) / rng.choice((55, 55, 12)) for index in range(length)]
        for index in range(length):
            step, time = first + (index + 1) * every, time + 1.0
            values = {name: series[index] for name, series in logged.items() if series[index] != ""}
            events.append(Metrics(time=time, step=step, values=values))  # type: ignore[arg-type]
            if rng.random() < 0.05:
                events.append(Heartbeat(time=time, step=step))
    if rng.random() < 0.3:
        events.append(RunEnded(time=time, step=step))
    return events


def _cut(rng: random.Random, events: list[Event], cuts: int) -> History:
    edges = sorted({0, len(events), *(rng.randrange(len(events) + 1) for _ in range(cuts))})
    return History(tuple(tuple((event, OURS) for event in events[low:high]) for low, high in pairwise(edges)))


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Any history, cut into any number of polls."""
    rng = random.Random(draw(st.integers(0, 2**32 - 1)))
    return _cut(rng, random_events(rng), draw(st.integers(0, 8)))


def polled(history: History, rules: Iterable[NamedRule]) -> Diagnosis:
    """The last of the diagnoses made after each piece."""
    store, engine = RunStore("run"), Engine(rules)
    diagnosis = engine.diagnose(snapshot_of(store))
    for piece in history.pieces:
        for event, origin in piece:
            store.add(event, origin)
        diagnosis = engine.diagnose(snapshot_of(store))
    return diagnosis


def at_once(events: Iterable[tuple[Event, Origin]], rules: Iterable[NamedRule]) -> Diagnosis:
    """The diagnosis of everything in one poll."""
    return polled(History((tuple(events),)), rules)
