"""Silent against verbose extraction, side by side: how many faulty values each way of reading a trainer's log hides.

    python -m rldk_tui.integrations.trl.demo_errors [RUN DIRECTORY]

The rows are those of a real GRPO training of a tiny model; faults are put into a share of them: values that are missing, NaN,
None, impossible, texts, zeros that nobody computed. The silent way is the one most scripts go: `try` to read a number, `except`
it is 0.0. The verbose way is `RLDKCallback`, whose event log is read back from disk.
"""

from __future__ import annotations

import logging
import math
import random
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rldk_tui.events import SUBFOLDER, Event, ExtractionError, ExtractionKind, Metrics, Phase, decode_line, event_log_name

RATES = (0.1, 0.2, 0.3, 0.4, 0.5)
_STEPS = 200
_HEALTHY_FIRST = 2
"""Rows without a fault at the head of the log, so that the trainer's keys are known whatever its version."""

Logs = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Injected:
    """One fault: `change` makes it in a row of logs."""

    metric: str
    change: Callable[[Logs], None]


def _set(metric: str, value: object) -> Injected:
    return Injected(metric, lambda logs: logs.__setitem__(metric, value))


FAULTS = (
    _set("reward", math.nan),
    _set("reward_std", None),
    _set("kl", -0.1),
    _set("grad_norm", 0.0),
    _set("completions/clipped_ratio", 1.7),
    _set("loss", math.inf),
    _set("frac_reward_zero_std", "n/a"),
    _set("learning_rate", [1e-6, 1e-6]),
    Injected("entropy", lambda logs: logs.pop("entropy")),
    _set("completions/mean_length", 0.0),
)
"""No two of the same metric: what was found can be counted against what was put in."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the faults at one rate.

    Attributes:
        injected: Faults put in.
        zeros: Those that the silent way turned into 0.0, which looks measured.
        passed: Those that it passed on as if they were sound.
        reported: Those that belong to an event in the callback's log.
        events: Events and warnings it took, since what lasts is told once.
        hidden: Those that the callback let pass.
        false: Events about values that were sound.
    """

    rate: float
    injected: int
    zeros: int
    passed: int
    reported: int
    events: int
    warnings: int
    hidden: int
    false: int


def silent(logs: Mapping[str, Any], metric: str) -> float:
    """The way that hides: whatever goes wrong is a 0.0."""
    try:
        return float(logs[metric])
    except (KeyError, TypeError, ValueError):
        return 0.0


def recorded_rows(run: Path) -> list[Logs]:
    """The rows of training that a run's event log holds.

    Raises:
        OSError: if it cannot be read.
    """
    return [dict(event.values) for event in _events(run) if isinstance(event, Metrics) and event.phase is Phase.TRAIN]


def _events(run: Path) -> Iterator[Event]:
    for line in (run / SUBFOLDER / event_log_name(0)).read_bytes().splitlines():
        yield decode_line(line)


def outcome(rows: Sequence[Logs], rate: float, folder: Path, seed: int = 0) -> Outcome:
    """Put faults into this share of the rows, and read them both ways."""
    chance = random.Random(seed)  # noqa: S311 - a demonstration, no secret
    faulty = set(chance.sample(range(_HEALTHY_FIRST, len(rows)), round(rate * len(rows))))
    injected: list[tuple[int, str]] = []
    changed: list[Logs] = []
    for index, row in enumerate(rows):
        logs = dict(row)
        if index in faulty:
            fault = chance.choice(FAULTS)
            fault.change(logs)
            injected.append((index + 1, fault.metric))
        changed.append(logs)
    read = [silent(changed[step - 1], metric) for step, metric in injected]
    found, warnings = _watched(changed, folder)
    told = [event for event in _events(folder) if isinstance(event, ExtractionError)]
    told = [event for event in told if event.kind is not ExtractionKind.UNAVAILABLE and event.metric is not None]
    reported = _reported(injected, told, found)
    return Outcome(
        rate=rate,
        injected=len(injected),
        zeros=sum(value == 0.0 for value in read),
        passed=sum(value != 0.0 for value in read),
        reported=reported,
        events=len(told),
        warnings=warnings,
        hidden=len(injected) - reported,
        false=sum((event.step, event.metric) not in injected for event in told),
    )


def _reported(injected: Iterable[tuple[int, str]], told: Iterable[ExtractionError], found: Mapping[str, int]) -> int:
    """Faults that the callback found, of metrics for which it told the first of them at its very step."""
    first_told: dict[str | None, int | None] = {}
    for event in told:
        first_told.setdefault(event.metric, event.step)
    steps: dict[str, list[int]] = {}
    for step, metric in injected:
        steps.setdefault(metric, []).append(step)
    return sum(min(len(at), found.get(metric, 0)) for metric, at in steps.items() if first_told.get(metric) == at[0])


class GRPOConfig(SimpleNamespace):
    """The callback knows a trainer by its config's class; this one stands for TRL's, which need not be installed."""

    def to_dict(self) -> dict[str, Any]:
        """As TRL's own."""
        return dict(vars(self))


def _watched(rows: Iterable[Logs], folder: Path) -> tuple[dict[str, int], int]:
    """Faults by metric, and how many warnings were logged, when the callback is told these rows as a trainer does."""
    from rldk_tui.integrations.trl import RLDKCallback

    args = GRPOConfig(output_dir=str(folder), beta=0.04, max_grad_norm=1.0, logging_steps=1, process_index=0, world_size=1)
    state = SimpleNamespace(global_step=0, max_steps=0, is_world_process_zero=True, is_local_process_zero=True)
    counted = _Counted()
    logger = logging.getLogger("rldk_tui.integrations.trl")
    logger.addHandler(counted)
    before, logger.propagate = logger.propagate, False
    try:
        callback = RLDKCallback(system_interval=3600.0, completions_every=0, check_gradients=False)
        callback.on_train_begin(args, state, None)
        for state.global_step, logs in enumerate(rows, 1):
            callback.on_step_end(args, state, None)
            callback.on_log(args, state, None, logs=logs)
        callback.on_train_end(args, state, None)
    finally:
        logger.removeHandler(counted)
        logger.propagate = before
    return {metric: count for (_, metric), count in callback.faults_found.items() if metric is not None}, counted.warnings


class _Counted(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.warnings = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.warnings += record.getMessage().startswith("RLDK step")


RECORDED: Logs = {
    "loss": -0.0195,
    "grad_norm": 1.4036,
    "learning_rate": 6.733e-4,
    "num_tokens": 7204.0,
    "completions/mean_length": 11.7083,
    "completions/min_length": 5.0,
    "completions/max_length": 22.0,
    "completions/clipped_ratio": 0.0,
    "completions/mean_terminated_length": 11.7083,
    "completions/min_terminated_length": 5.0,
    "completions/max_terminated_length": 22.0,
    "rewards/topic_reward/mean": 0.8071,
    "rewards/topic_reward/std": 0.1453,
    "reward": 0.8071,
    "reward_std": 0.1453,
    "frac_reward_zero_std": 0.0,
    "kl": 0.1736,
    "entropy": 3.2042,
    "clip_ratio/low_mean": 0.0,
    "clip_ratio/high_mean": 0.0,
    "clip_ratio/region_mean": 0.0,
    "clip_ratio/low_min": 0.0,
    "clip_ratio/high_max": 0.0,
    "step_time": 0.0515,
    "epoch": 0.2353,
}
"""Step 20 of a GRPO training of a model of 56,000 weights, as TRL 1.12 logged it."""


def table(outcomes: Iterable[Outcome]) -> str:
    """The comparison, a line a rate."""
    head = (
        "            silent (unreadable is 0.0)            verbose (RLDKCallback)\n"
        "rate  faults   as 0.0  passed on  hidden    reported  hidden  events  warnings  false\n"
    )
    rows = [
        f"{it.rate:4.0%} {it.injected:7} {it.zeros:8} {it.passed:10} {it.zeros + it.passed:7} "
        f"{it.reported:11} {it.hidden:7} {it.events:7} {it.warnings:9} {it.false:6}\n"
        for it in outcomes
    ]
    return head + "".join(rows)


def demonstrated(rows: Sequence[Logs]) -> list[Outcome]:
    """The outcome at every rate."""
    with tempfile.TemporaryDirectory() as folder:
        return [outcome(rows, rate, Path(folder, f"{rate:.0%}")) for rate in RATES]


def main(arguments: Sequence[str]) -> int:
    """Print the table; with a run directory, of that run's own rows."""
    try:
        rows = recorded_rows(Path(arguments[0])) if arguments else [RECORDED] * _STEPS
    except OSError as failure:
        sys.stderr.write(f"cannot read the run: {failure}\n")
        return 2
    if len(rows) < 2 * _HEALTHY_FIRST:
        sys.stderr.write("the run holds too few rows of training\n")
        return 2
    outcomes = demonstrated(rows)
    sys.stdout.write(table(outcomes))
    return int(any(it.hidden or it.false for it in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
