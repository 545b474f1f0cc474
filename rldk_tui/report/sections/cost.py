"""What the run cost and how much of that taught anything: time, tokens, memory, GPU-hours."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rldk_tui.analysis.learning_signal import LearningSignal, learning_signal
from rldk_tui.charts.format import count, duration, number, size
from rldk_tui.charts.line_chart import LineChart
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.report.cards import Cards, cards_of
from rldk_tui.report.figures import course_chart, step_axis
from rldk_tui.report.sections import Section
from rldk_tui.report.themes import Theme, names_of
from rldk_tui.run import RunSnapshot
from rldk_tui.session import RunHealth
from rldk_tui.statistics.trend import LARGEST
from rldk_tui.summary.learning_signal import RISE, advice, sentence

_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and what is known of it."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What of the sampled work taught anything.

    Attributes:
        told: In a sentence.
        share: At least this share of the last logs' replies taught nothing.
        parts: Each reason with its own share; they may overlap.
        wasted_tokens, tokens: Of the last logs; None where not counted.
        wasted_gpu_hours, gpu_hours: Likewise, of all processes together.
        wasted_whole, whole: GPU-hours of the whole run.
        advice: What would waste less; empty where nothing is wasted.
        chart: The share over time.
    """

    told: str
    share: float
    parts: tuple[tuple[str, float], ...]
    wasted_tokens: float | None
    tokens: float | None
    wasted_gpu_hours: float | None
    gpu_hours: float | None
    wasted_whole: float | None
    whole: float | None
    advice: tuple[str, ...]
    chart: LineChart


@dataclass(frozen=True, slots=True)
class CostOfRun:
    """What was measured of it.

    Attributes:
        facts: The run in a few numbers.
        signal: Of trainers that compare replies; None for others.
        unsigned: Why there is no account of the signal, for a trainer that should have one.
    """

    facts: tuple[Fact, ...]
    signal: Signal | None
    unsigned: str | None
    cards: Cards


def build(health: RunHealth) -> CostOfRun | None:
    """None where nothing of it was measured."""
    snapshot = health.snapshot
    account = learning_signal(snapshot)
    cards = cards_of(health, names_of(snapshot, Theme.COST))
    grouped = snapshot.info.algorithm in GROUPED
    found = CostOfRun(
        facts=tuple(Fact(name, value) for name, value in _facts(snapshot) if value is not None),
        signal=None if isinstance(account, str) else _signal(account, step_axis(snapshot)),
        unsigned=account if isinstance(account, str) and grouped else None,
        cards=cards,
    )
    return found if found.facts or found.cards or found.signal is not None else None


def _facts(snapshot: RunSnapshot) -> Iterator[tuple[str, str | None]]:
    seconds = _seconds(snapshot)
    yield "time from the first log to the last", None if seconds is None else duration(seconds)
    yield "time a step", None if snapshot.step_seconds is None else duration(snapshot.step_seconds)
    processes = snapshot.info.world_size
    if seconds is not None and snapshot.info.hardware.get("gpus"):
        yield "GPU-hours, of all processes", number(seconds * processes / _HOUR)
    tokens = _tokens(snapshot)
    yield "tokens trained on", None if tokens is None else count(round(tokens))
    if tokens is not None and seconds:
        yield "tokens a second", number(tokens / seconds)
    peaks = [sample.torch_peak for sample in snapshot.system if sample.torch_peak is not None]
    yield "highest GPU memory of torch", size(max(peaks)) if peaks else None


def _seconds(snapshot: RunSnapshot) -> float | None:
    """Launch by launch, so that a pause between two is not counted."""
    spans = [times[np.isfinite(times)] for segment in snapshot.segments if (times := segment.rows.times).size]
    whole = sum(float(times.max() - times.min()) for times in spans if times.size)
    return whole or None


def _tokens(snapshot: RunSnapshot) -> float | None:
    """By the rises of the counter, which starts anew in some trainers when a run is resumed."""
    values = snapshot.series("num_tokens").values
    values = np.clip(values[np.isfinite(values)], 0.0, LARGEST)
    if not values.size:
        return None
    rises = np.diff(values, prepend=0.0)
    return float(rises[rises > 0].sum())


def _signal(account: LearningSignal, axis: tuple[int, int]) -> Signal:
    told = sentence(account)
    return Signal(
        told=f"{told[:1].upper()}{told[1:]}.",
        share=account.share,
        parts=account.parts,
        wasted_tokens=_known(account.tokens.wasted),
        tokens=_known(account.tokens.total),
        wasted_gpu_hours=_known(account.gpu_hours.wasted),
        gpu_hours=_known(account.gpu_hours.total),
        wasted_whole=_known(account.whole_gpu_hours.wasted),
        whole=_known(account.whole_gpu_hours.total),
        advice=tuple(advice(account)) if account.share >= RISE else (),
        chart=course_chart("Share of the replies that taught nothing", account.steps, account.shares, axis),
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


SECTION = Section(title="Cost", order=42, build=build, template="cost")
