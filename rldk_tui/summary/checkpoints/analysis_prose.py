"""A checkpoint in plain, aligned text for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from textwrap import wrap

from rldk_tui.charts.format import count, number, percent, size
from rldk_tui.checkpoints.analysis import CheckpointAnalysis
from rldk_tui.checkpoints.summaries import Summary
from rldk_tui.checkpoints.survey import TensorStatistics
from rldk_tui.summary.checkpoints.table import Column, table
from rldk_tui.summary.checkpoints.wording import MOST, WIDTH, ends, health_of, how_far, issue_lines, plain


def analysis_lines(analysis: CheckpointAnalysis, width: int = WIDTH) -> Iterator[str]:
    """One checkpoint: facts, what is wrong, its roles and layers."""
    step = "" if analysis.step is None else f"  step {count(analysis.step)}"
    yield f"{plain(str(analysis.path))}{step}  {analysis.kind.value}  {size(analysis.size)}  {health_of(analysis)}"
    for cap in analysis.score.caps:
        yield f"  held down to {cap.limit:.2f} by {cap.reason}"
    for issue in analysis.issues:
        yield ""
        yield from issue_lines(issue)
    yield ""
    yield from _drift_lines(analysis)
    yield from _training_lines(analysis, width)
    if analysis.roles:
        yield from table(_summaries("role", (*analysis.roles, analysis.total)), width)
    if analysis.layers:
        yield ""
        yield from table(_summaries("layer", ends(analysis.layers)), width)
    yield from _spectral_lines(analysis.tensors, width)


def _drift_lines(analysis: CheckpointAnalysis) -> Iterator[str]:
    for what, drift in (("checkpoint before", analysis.since_previous), ("first checkpoint", analysis.since_first)):
        if drift is not None:
            yield f"  {how_far(drift)} from the {what}, {count(drift.steps)} steps earlier"
    if analysis.since_previous is not None:
        yield ""


def _training_lines(analysis: CheckpointAnalysis, width: int) -> Iterator[str]:
    training = analysis.training
    told = []
    if training.step is not None:
        told.append(f"step {count(training.step)}")
    if training.learning_rate is not None:
        told.append(f"learning rate {number(training.learning_rate)}")
    if training.optimizer is not None:
        told.append(f"optimizer of {count(len(training.optimizer.parameters))} parameters")
    for name, text in (
        ("adam_below_epsilon", "below Adam's ε"),
        ("adam_largest_step", "learning rates in Adam's largest step"),
    ):
        figure = analysis.figures.get(f"checkpoint/{name}")
        if figure is not None:
            told.append(f"{percent(figure.value) if name.endswith('epsilon') else number(figure.value)} {text}")
    if told:
        yield from wrap(f"training: {', '.join(told)}", width, initial_indent="  ", subsequent_indent="    ")
        yield ""


def _summaries(title: str, rows: Sequence[Summary]) -> list[Column]:
    return [
        Column(title, [one.name for one in rows]),
        Column("tensors", [count(one.tensors) for one in rows], 2),
        Column("weights", [count(one.count) for one in rows]),
        Column("rms", [number(one.rms) for one in rows]),
        Column("std", [number(one.std) for one in rows], 3),
        Column("min", [number(one.minimum) for one in rows]),
        Column("max", [number(one.maximum) for one in rows]),
        Column("zeros", [count(one.zeros) for one in rows], 1),
        Column("outliers", [count(one.outliers) for one in rows], 1),
        Column("dead rows", [count(one.dead_rows) for one in rows]),
    ]


def _spectral_lines(tensors: Sequence[TensorStatistics], width: int) -> Iterator[str]:
    known = sorted((one for one in tensors if one.largest_singular > 0), key=lambda one: -one.largest_singular)
    if known:
        yield ""
        known = known[:MOST]
        ranks = [math.nan if one.trace is None else one.trace.stable_rank for one in known]
        columns = [
            Column("matrix", [one.name for one in known]),
            Column("largest singular", [number(one.largest_singular) for one in known]),
            Column("stable rank", [number(rank) for rank in ranks]),
            Column("power law α", [number(one.power_law_alpha) for one in known]),
        ]
        yield from table(columns, width)
