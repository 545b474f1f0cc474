"""A run's checkpoints beside what its log said where they were saved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rldk_tui.analysis.where_saved import WhereSaved
from rldk_tui.checkpoints.analysis import CheckpointAnalysis
from rldk_tui.checkpoints.keep import Candidate, Choice, which_to_keep
from rldk_tui.run import RunSnapshot


@dataclass(frozen=True, slots=True)
class RunCheckpoints:
    """All checkpoints of a run that are there.

    Attributes:
        name: The run's.
        analyses: By step.
        candidates: The same, with what the log says; in the same order.
        choice: Which one to keep; None if none can be used.
        final: The model in the run's directory itself, which the trainer wrote after its end; None without one.
    """

    name: str
    analyses: tuple[CheckpointAnalysis, ...]
    candidates: tuple[Candidate, ...]
    choice: Choice | None
    final: CheckpointAnalysis | None = None


def gathered(
    name: str,
    analyses: Iterable[CheckpointAnalysis],
    snapshot: RunSnapshot | None,
    final: CheckpointAnalysis | None = None,
) -> RunCheckpoints:
    """The run's checkpoints with a known step, and which of them to keep; without a log by their weights alone."""
    ordered = tuple(sorted((one for one in analyses if one.step is not None), key=lambda one: one.step or 0))
    logged = None if snapshot is None else WhereSaved(snapshot)
    candidates = tuple(_candidate(one, logged) for one in ordered)
    return RunCheckpoints(name, ordered, candidates, which_to_keep(candidates), final)


def _candidate(analysis: CheckpointAnalysis, logged: WhereSaved | None) -> Candidate:
    step = analysis.step or 0
    if logged is None:
        return Candidate(step=step, usable=analysis.usable, health=analysis.health)
    return logged.candidate(step, usable=analysis.usable, health=analysis.health)
