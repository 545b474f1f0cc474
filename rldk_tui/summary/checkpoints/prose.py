"""Checkpoints in plain, aligned text for a terminal.

Names of tensors and files come from the checkpoint and are made harmless first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TypeVar

from rldk_tui.charts.format import NOTHING, count, number, percent, size
from rldk_tui.charts.text import one_line
from rldk_tui.checkpoints.analysis import CheckpointAnalysis
from rldk_tui.checkpoints.comparison import ChangeSummary, Comparison
from rldk_tui.checkpoints.drift import Drift
from rldk_tui.checkpoints.issues import CheckpointIssue
from rldk_tui.checkpoints.keep import Candidate
from rldk_tui.checkpoints.statistics import Change
from rldk_tui.checkpoints.summaries import Summary
from rldk_tui.checkpoints.survey import TensorStatistics
from rldk_tui.summary.checkpoints.beside import RunCheckpoints
from rldk_tui.summary.checkpoints.table import Column, table
from rldk_tui.summary.prose import advice_line

Layer = TypeVar("Layer", Summary, ChangeSummary)
_LONGEST = 400
WIDTH = 80
"""Cells of a line where nothing tells how many there are."""
_MOST = 10
"""Layers or tensors of a table; the rest is in the JSON."""


def analysis_lines(analysis: CheckpointAnalysis, width: int = WIDTH) -> Iterator[str]:
    """One checkpoint: facts, what is wrong, its roles and layers."""
    step = "" if analysis.step is None else f"  step {count(analysis.step)}"
    yield f"{_plain(str(analysis.path))}{step}  {analysis.kind.value}  {size(analysis.size)}  {_health(analysis)}"
    for cap in analysis.score.caps:
        yield f"  held down to {cap.limit:.2f} by {cap.reason}"
    for issue in analysis.issues:
        yield ""
        yield from _issue_lines(issue)
    yield ""
    yield from _drift_lines(analysis)
    yield from _training_lines(analysis, width)
    if analysis.roles:
        yield from table(_summaries("role", (*analysis.roles, analysis.total)), width)
    if analysis.layers:
        yield ""
        yield from table(_summaries("layer", _ends(analysis.layers)), width)
    yield from _spectral_lines(analysis.tensors, width)


def _health(analysis: CheckpointAnalysis) -> str:
    health = analysis.health
    return f"health {'not graded' if health is None else f'{health:.2f}'}"


def _issue_lines(issue: CheckpointIssue) -> Iterator[str]:
    yield f"{issue.severity.value.upper():8}  {issue.rule}"
    yield f"  {_plain(issue.message)}"
    for advice in issue.advice:
        yield f"  → {_plain(advice_line(advice))}"


def _drift_lines(analysis: CheckpointAnalysis) -> Iterator[str]:
    for what, drift in (("checkpoint before", analysis.since_previous), ("first checkpoint", analysis.since_first)):
        if drift is not None:
            yield f"  {_drift(drift)} from the {what}, {count(drift.steps)} steps earlier"
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
        known = known[:_MOST]
        ranks = [math.nan if one.trace is None else one.trace.stable_rank for one in known]
        columns = [
            Column("matrix", [one.name for one in known]),
            Column("largest singular", [number(one.largest_singular) for one in known]),
            Column("stable rank", [number(rank) for rank in ranks]),
            Column("power law α", [number(one.power_law_alpha) for one in known]),
        ]
        yield from table(columns, width)


def comparison_lines(comparison: Comparison, width: int = WIDTH) -> Iterator[str]:
    """Two checkpoints: all together, roles, layers, the tensors that changed most."""
    steps = "" if comparison.steps is None else f"  {count(comparison.steps)} steps"
    yield f"{_plain(str(comparison.before))} → {_plain(str(comparison.after))}{steps}"
    for problem in comparison.problems:
        yield f"  {_plain(f'{problem.source}: {problem.message}')}"
    for what, names in (
        ("only in the first", comparison.only_before),
        ("only in the second", comparison.only_after),
        ("of another shape", comparison.reshaped),
    ):
        if names:
            yield f"  {what}: {count(len(names))} ({_plain(', '.join(names[:3]))}{' …' if len(names) > 3 else ''})"
    if not comparison.tensors:
        yield "  They have no tensor in common."
        return
    if comparison.steps:
        yield f"  {_share(comparison.per_step)} a step"
    yield ""
    yield from table(_changes("role", (*comparison.roles, comparison.total)), width)
    if comparison.layers:
        yield ""
        yield from table(_changes("layer", _ends(comparison.layers)), width)
    yield ""
    yield from _most_changed(comparison, width)


def _changes(title: str, rows: Sequence[ChangeSummary]) -> list[Column]:
    return [
        Column(title, [one.name for one in rows]),
        Column("tensors", [count(one.tensors) for one in rows]),
        Column("unchanged", [count(one.unchanged_tensors) for one in rows], 1),
        Column("change", [_share(one.relative) for one in rows]),
        Column("cosine", [_fine(one.cosine) for one in rows]),
        Column("sign flips", [_share(one.sign_flips) for one in rows]),
        Column("numbers unchanged", [_share(one.unchanged) for one in rows], 2),
        Column("largest change", [number(one.largest) for one in rows]),
    ]


def _most_changed(comparison: Comparison, width: int) -> Iterator[str]:
    known = [(one, one.change) for one in comparison.tensors if one.change is not None]
    moved = sorted(known, key=lambda item: -_order(item[1].relative, item[1].change_square_sum))[:_MOST]
    columns = [
        Column("changed most", [one.name for one, _ in moved]),
        Column("change", [_moved(change) for _, change in moved]),
        Column("cosine", [_fine(change.cosine) for _, change in moved]),
        Column(
            "sign flips", [_share(change.sign_flips / change.count if change.count else math.nan) for _, change in moved], 2
        ),
        Column("rank", [NOTHING if one.effective_rank is None else number(one.effective_rank) for one, _ in moved], 1),
    ]
    yield from table(columns, width)


def _moved(change: Change) -> str:
    if change.before_square_sum == 0 and change.change_square_sum > 0:
        return "from zero"
    return _share(change.relative)


def _order(relative: float, moved: float) -> float:
    """A tensor that was zero and is not any more changed most of all; one that stayed zero did not."""
    return relative if math.isfinite(relative) else math.inf if moved > 0 else 0.0


def run_lines(run: RunCheckpoints, width: int = WIDTH) -> Iterator[str]:
    """All checkpoints of a run in a table, which one to keep, and what is wrong with each."""
    analyses = run.analyses if run.final is None else (*run.analyses, run.final)
    kinds = {one.kind.value for one in analyses}
    kind = f"  {next(iter(kinds))}" if len(kinds) == 1 else ""
    final = " and the final model" if run.final is not None else ""
    yield f"{_plain(run.name)}  {_checkpoints(len(run.analyses))}{final}{kind}"
    yield ""
    yield from table(_run_columns(run, analyses, several_kinds=len(kinds) > 1), width)
    yield ""
    if run.choice is None:
        yield "Keep none: there is no checkpoint that is whole and finite."
    else:
        yield f"* Keep step {count(run.choice.step)}: {'; '.join(run.choice.reasons)}."
    for one in analyses:
        for issue in one.issues:
            yield ""
            yield "The final model" if one is run.final else f"Step {count(one.step)}"
            yield from _issue_lines(issue)


def _run_columns(run: RunCheckpoints, analyses: Sequence[CheckpointAnalysis], *, several_kinds: bool) -> list[Column]:
    beside = [*run.candidates, *(() if run.final is None else (Candidate(step=0),))]
    columns = [
        Column("step", [_label(run, one) for one in analyses]),
        Column("size", [size(one.size) for one in analyses], 3),
        Column("health", [NOTHING if one.health is None else f"{one.health:.2f}" for one in analyses]),
        Column("from last", [_drift(one.since_previous) for one in analyses], 1),
        Column("from first", [_drift(one.since_first) for one in analyses], 1),
        Column("reward", [number(one.reward) for one in beside], 1),
        Column("KL", [number(one.kl) for one in beside], 1),
        Column("eval", [number(one.evaluation) for one in beside], 1),
        Column("rules", [_rules(one.issues) for one in analyses], 4),
        Column("issues", [_worst(one.issues) for one in analyses]),
    ]
    if several_kinds:
        columns.insert(1, Column("kind", [one.kind.value for one in analyses], 2))
    return columns


def _label(run: RunCheckpoints, one: CheckpointAnalysis) -> str:
    if one is run.final:
        return "final"
    return f"{count(one.step)}{' *' if run.choice is not None and run.choice.step == one.step else ''}"


def _checkpoints(many: int) -> str:
    return "1 checkpoint" if many == 1 else f"{count(many)} checkpoints"


def recorded_lines(analyses: Sequence[CheckpointAnalysis], log: Path) -> Iterator[str]:
    """What was written into a run's log."""
    for one in analyses:
        yield f"step {count(one.step)}  {_health(one)}  issues: {_tally(one.issues)}"
    where = _plain(str(log))
    yield f"{_checkpoints(len(analyses))} recorded in {where}" if analyses else f"Nothing new to record in {where}"


def _tally(issues: Iterable[CheckpointIssue]) -> str:
    return _rules(issues) or "none"


def _rules(issues: Iterable[CheckpointIssue]) -> str:
    return ", ".join(dict.fromkeys(issue.rule for issue in issues))


def _worst(issues: Sequence[CheckpointIssue]) -> str:
    """The severity of the worst, and how many more there are."""
    if not issues:
        return "none"
    more = f" +{count(len(issues) - 1)}" if len(issues) > 1 else ""
    return f"{max((issue.severity for issue in issues), key=lambda severity: severity.rank).value}{more}"


def _drift(drift: Drift | None) -> str:
    return NOTHING if drift is None else _share(drift.relative)


def _share(value: float) -> str:
    """A share with three digits, however small; – where it is not known."""
    return NOTHING if math.isnan(value) else f"{number(100.0 * value)} %"


def _fine(value: float) -> str:
    return NOTHING if math.isnan(value) else f"{value:.6f}"


def _ends(summaries: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """All layers if they are few, else the first and the last."""
    return summaries if len(summaries) <= _MOST else summaries[: _MOST // 2] + summaries[-_MOST // 2 :]


def _plain(text: str) -> str:
    return one_line(text, _LONGEST)
