"""All checkpoints of a run in plain text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rldk_tui.charts.format import NOTHING, count, number, size
from rldk_tui.checkpoints.analysis import CheckpointAnalysis
from rldk_tui.checkpoints.issues import CheckpointIssue
from rldk_tui.checkpoints.keep import Candidate
from rldk_tui.summary.checkpoints.beside import RunCheckpoints
from rldk_tui.summary.checkpoints.table import Column, table
from rldk_tui.summary.checkpoints.wording import WIDTH, health_of, how_far, issue_lines, plain


def run_lines(run: RunCheckpoints, width: int = WIDTH) -> Iterator[str]:
    """All checkpoints of a run in a table, which one to keep, and what is wrong with each."""
    analyses = run.analyses if run.final is None else (*run.analyses, run.final)
    kinds = {one.kind.value for one in analyses}
    kind = f"  {next(iter(kinds))}" if len(kinds) == 1 else ""
    final = " and the final model" if run.final is not None else ""
    yield f"{plain(run.name)}  {_checkpoints(len(run.analyses))}{final}{kind}"
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
            yield from issue_lines(issue)


def _run_columns(run: RunCheckpoints, analyses: Sequence[CheckpointAnalysis], *, several_kinds: bool) -> list[Column]:
    beside = [*run.candidates, *(() if run.final is None else (Candidate(step=0),))]
    columns = [
        Column("step", [_label(run, one) for one in analyses]),
        Column("size", [size(one.size) for one in analyses], 3),
        Column("health", [NOTHING if one.health is None else f"{one.health:.2f}" for one in analyses]),
        Column("from last", [how_far(one.since_previous) for one in analyses], 1),
        Column("from first", [how_far(one.since_first) for one in analyses], 1),
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
        yield f"step {count(one.step)}  {health_of(one)}  issues: {_tally(one.issues)}"
    where = plain(str(log))
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
