"""Several runs against the first of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rldk_tui.comparison import differences
from rldk_tui.comparison.alignment import Axis, curve, paired
from rldk_tui.comparison.differences import Difference
from rldk_tui.comparison.judgement import Judgement, Outcome, judged
from rldk_tui.errors import UserError
from rldk_tui.events import Algorithm
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import RunSnapshot
from rldk_tui.session import RunHealth

MOST_RUNS = 8
_AIMS: dict[Algorithm, tuple[str, ...]] = {
    Algorithm.REWARD: ("eval/accuracy", "accuracy", "eval/loss", "loss"),
    Algorithm.SFT: ("eval/loss", "loss"),
    Algorithm.DPO: ("eval/rewards/accuracies", "rewards/accuracies", "loss"),
    Algorithm.KTO: ("eval/rewards/margins", "rewards/margins", "loss"),
}
_ONLINE_AIMS = ("gold", "eval/reward", "reward")
_CLOSE = 1e-9
"""Relative difference up to which two numbers are one: what a log's decimals may lose."""


@dataclass(frozen=True, slots=True)
class Place:
    """The first step at which any metric has another value, and the metrics that do."""

    step: int
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A run against the first.

    Attributes:
        aim: The metric that says which is better; None where no metric that both logged could.
        metrics: Of every metric that both logged, the aim first.
        settings: Config parameters with different values, the first run's first.
        findings: Severity of each rule's worst finding, where they differ.
        parted: Where the logs first differ at all; None if they never do at steps that both logged.
    """

    run: RunHealth
    aim: Judgement | None
    metrics: tuple[Judgement, ...]
    settings: tuple[Difference, ...]
    findings: tuple[Difference, ...]
    parted: Place | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side.

    Attributes:
        axis: What they are aligned by.
        first: What the others are compared with.
    """

    axis: Axis
    first: RunHealth
    pairs: tuple[Pair, ...]

    @property
    def runs(self) -> tuple[RunHealth, ...]:
        """All of them."""
        return (self.first, *(pair.run for pair in self.pairs))


def compare(runs: Sequence[RunHealth], axis: Axis = Axis.STEP, aim: str | None = None) -> Comparison:
    """Every run against the first.

    Args:
        runs: At least two.
        axis: What they are aligned by.
        aim: The metric that says which is better; by default what the trainer is there to raise or to lower.

    Raises:
        UserError: if there are too many runs, or one of them cannot be compared in the way that is asked for.
    """
    if not 2 <= len(runs) <= MOST_RUNS:
        raise UserError(f"A comparison is of 2 to {MOST_RUNS} runs; these are {len(runs)}.", "rldk compare RUN1 RUN2")
    for run in runs:
        if not run.snapshot.metric_names():
            raise UserError(f"{run.snapshot.name} has no log to compare.", "rldk doctor RUN says what is read of it.")
        if aim is not None and aim not in run.snapshot.metric_names():
            raise UserError(f"{run.snapshot.name} does not log {aim}.", "rldk-tui RUN --once lists the metrics of a run.")
    first, *others = _told_apart(runs)
    return Comparison(axis, first, tuple(_pair(first, other, axis, aim) for other in others))


def _told_apart(runs: Sequence[RunHealth]) -> list[RunHealth]:
    """Runs whose folders have the same name are called by the folder above it too, or by the whole path."""
    names = [run.snapshot.name for run in runs]
    if len(set(names)) < len(names):
        names = [f"{run.directory.resolve().parent.name}/{name}" for run, name in zip(runs, names, strict=True)]
    if len(set(names)) < len(names):
        names = [str(run.directory.resolve()) for run in runs]
    return [replace(run, snapshot=replace(run.snapshot, name=name)) for run, name in zip(runs, names, strict=True)]


def _pair(first: RunHealth, second: RunHealth, axis: Axis, asked: str | None) -> Pair:
    mine, theirs = first.snapshot, second.snapshot
    algorithm = mine.info.algorithm or theirs.info.algorithm
    logged = set(theirs.shown_names())
    common = [name for name in mine.shown_names() if name in logged]
    judgements = {name: judged(name, paired(curve(mine, name, axis), curve(theirs, name, axis)), algorithm) for name in common}
    aims = (asked,) if asked is not None else _aims(algorithm)
    told = [judgements[name] for name in aims if name in judgements]
    aim = next((one for one in told if one.outcome is not Outcome.UNKNOWN), told[0] if told else None)
    known = [one for one in judgements.values() if one.judged]
    return Pair(
        run=second,
        aim=aim,
        metrics=tuple(sorted(known, key=lambda one: (one is not aim, one.outcome in (Outcome.NOISE, Outcome.UNKNOWN)))),
        settings=differences.settings(first, second),
        findings=differences.findings(first, second),
        parted=_parted(mine, theirs, common),
    )


def _aims(algorithm: Algorithm | None) -> tuple[str, ...]:
    if algorithm is None or algorithm in ONLINE:
        return _ONLINE_AIMS
    return _AIMS[algorithm]


_OF_THE_MACHINE = ("system/", "hook/time_", "hook/memory_")
_TIMES = frozenset({"step_time", "step_seconds", "hook/step_time", "hook/tokens_per_second", "hook/samples_per_second", "eps"})


def _parted(first: RunSnapshot, second: RunSnapshot, names: Sequence[str]) -> Place | None:
    """What differs from machine to machine and from hour to hour is left out: it says nothing of the training."""
    earliest: dict[int, list[str]] = {}
    for name in names:
        if name in _TIMES or name.startswith(_OF_THE_MACHINE) or name.startswith("final/"):
            continue
        mine, theirs = first.series(name), second.series(name)
        steps, here, there = np.intersect1d(mine.steps, theirs.steps, return_indices=True)
        halves = mine.values[here] / 2, theirs.values[there] / 2  # the difference of the largest numbers is none
        same = np.isclose(*halves, rtol=_CLOSE, atol=0.0, equal_nan=True)
        other = np.flatnonzero(~same)
        if other.size:
            earliest.setdefault(int(steps[other[0]]), []).append(name)
    return Place(min(earliest), tuple(earliest[min(earliest)])) if earliest else None
