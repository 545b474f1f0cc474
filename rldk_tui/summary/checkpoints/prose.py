"""Checkpoints in plain, aligned text for a terminal.

Names of tensors and files come from the checkpoint and are made harmless first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from rldk_tui.charts.format import count, number, percent, size
from rldk_tui.charts.text import one_line
from rldk_tui.checkpoints.analysis import CheckpointAnalysis
from rldk_tui.checkpoints.comparison import ChangeSummary, Comparison
from rldk_tui.checkpoints.drift import Drift
from rldk_tui.checkpoints.issues import CheckpointIssue
from rldk_tui.checkpoints.summaries import Summary
from rldk_tui.checkpoints.survey import TensorStatistics
from rldk_tui.summary.checkpoints.beside import RunCheckpoints
from rldk_tui.summary.prose import advice_line

_SUMMARY = ("tensors", "weights", "rms", "std", "min", "max", "zeros", "outliers", "dead rows")
Layer = TypeVar("Layer", Summary, ChangeSummary)
_LONGEST = 400
_MOST = 10
"""Layers or tensors of a table; the rest is in the JSON."""


def analysis_lines(analysis: CheckpointAnalysis) -> Iterator[str]:
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
    yield from _training_lines(analysis)
    if analysis.roles:
        yield from _table(("role", *_SUMMARY), [_summary_row(one) for one in (*analysis.roles, analysis.total)])
    if analysis.layers:
        yield ""
        yield from _table(("layer", *_SUMMARY), [_summary_row(one) for one in _ends(analysis.layers)])
    yield from _spectral_lines(analysis.tensors)


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


def _training_lines(analysis: CheckpointAnalysis) -> Iterator[str]:
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
        yield f"  training: {', '.join(told)}"
        yield ""


def _summary_row(one: Summary) -> tuple[str, ...]:
    numbers = (number(value) for value in (one.rms, one.std, one.minimum, one.maximum))
    return (
        one.name,
        count(one.tensors),
        count(one.count),
        *numbers,
        count(one.zeros),
        count(one.outliers),
        count(one.dead_rows),
    )


def _spectral_lines(tensors: Sequence[TensorStatistics]) -> Iterator[str]:
    known = sorted((one for one in tensors if one.largest_singular > 0), key=lambda one: -one.largest_singular)
    if known:
        yield ""
        rows = [
            (
                one.name,
                number(one.largest_singular),
                number(math.nan if one.trace is None else one.trace.stable_rank),
                number(one.power_law_alpha),
            )
            for one in known[:_MOST]
        ]
        yield from _table(("matrix", "largest singular", "stable rank", "power law α"), rows)


def comparison_lines(comparison: Comparison) -> Iterator[str]:
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
    header = ("role", "tensors", "unchanged", "change", "cosine", "sign flips", "numbers unchanged", "largest change")
    yield from _table(header, [_change_row(one) for one in (*comparison.roles, comparison.total)])
    if comparison.layers:
        yield ""
        yield from _table(("layer", *header[1:]), [_change_row(one) for one in _ends(comparison.layers)])
    yield ""
    yield from _most_changed(comparison)


def _change_row(one: ChangeSummary) -> tuple[str, ...]:
    shares = (_share(one.relative), _fine(one.cosine), _share(one.sign_flips), _share(one.unchanged))
    return (one.name, count(one.tensors), count(one.unchanged_tensors), *shares, number(one.largest))


def _most_changed(comparison: Comparison) -> Iterator[str]:
    known = [(one, one.change) for one in comparison.tensors if one.change is not None]
    moved = sorted(known, key=lambda item: -_order(item[1].relative, item[1].change_square_sum))[:_MOST]
    rows = [
        (
            one.name,
            "from zero" if change.before_square_sum == 0 and change.change_square_sum > 0 else _share(change.relative),
            _fine(change.cosine),
            _share(change.sign_flips / change.count if change.count else math.nan),
            "–" if one.effective_rank is None else number(one.effective_rank),
        )
        for one, change in moved
    ]
    yield from _table(("changed most", "change", "cosine", "sign flips", "effective rank of the change"), rows)


def _order(relative: float, moved: float) -> float:
    """A tensor that was zero and is not any more changed most of all; one that stayed zero did not."""
    return relative if math.isfinite(relative) else math.inf if moved > 0 else 0.0


def run_lines(run: RunCheckpoints) -> Iterator[str]:
    """All checkpoints of a run in a table, which one to keep, and what is wrong with each."""
    yield f"{_plain(run.name)}  {count(len(run.analyses))} checkpoints"
    yield ""
    header = ("step", "kind", "size", "health", "from the previous", "from the first", "reward", "KL", "evaluation", "issues")
    rows = [
        (
            f"{count(one.step)}{' *' if run.choice is not None and run.choice.step == one.step else ''}",
            one.kind.value,
            size(one.size),
            "–" if one.health is None else f"{one.health:.2f}",
            "–" if one.since_previous is None else _drift(one.since_previous),
            "–" if one.since_first is None else _drift(one.since_first),
            number(beside.reward),
            number(beside.kl),
            number(beside.evaluation),
            _tally(one.issues),
        )
        for one, beside in zip(run.analyses, run.candidates, strict=True)
    ]
    yield from _table(header, rows)
    yield ""
    if run.choice is None:
        yield "Keep none: there is no checkpoint that is whole and finite."
    else:
        yield f"* Keep step {count(run.choice.step)}: {'; '.join(run.choice.reasons)}."
    for one in run.analyses:
        for issue in one.issues:
            yield ""
            yield f"Step {count(one.step)}"
            yield from _issue_lines(issue)


def recorded_lines(analyses: Sequence[CheckpointAnalysis], log: Path) -> Iterator[str]:
    """What was written into a run's log."""
    for one in analyses:
        yield f"step {count(one.step)}  {_health(one)}  issues: {_tally(one.issues)}"
    many = "1 checkpoint" if len(analyses) == 1 else f"{count(len(analyses))} checkpoints"
    yield f"{many} recorded in {_plain(str(log))}" if analyses else f"Nothing new to record in {_plain(str(log))}"


def _tally(issues: Iterable[CheckpointIssue]) -> str:
    names = list(dict.fromkeys(issue.rule for issue in issues))
    return ", ".join(names) if names else "none"


def _drift(drift: Drift) -> str:
    return _share(drift.relative)


def _share(value: float) -> str:
    """A share with three digits, however small; – where it is not known."""
    return "–" if math.isnan(value) else f"{number(100.0 * value)} %"


def _fine(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.6f}"


def _ends(summaries: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """All layers if they are few, else the first and the last."""
    return summaries if len(summaries) <= _MOST else summaries[: _MOST // 2] + summaries[-_MOST // 2 :]


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Columns as wide as their widest cell, the first to the left, numbers to the right."""
    cells = [header, *([_plain(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for row in cells:
        first, *others = row
        line = "  ".join([first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))])
        yield f"  {line}".rstrip()


def _plain(text: str) -> str:
    return one_line(text, _LONGEST)
