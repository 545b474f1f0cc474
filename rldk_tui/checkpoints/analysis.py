"""What an analysis of a checkpoint says: facts, what is wrong, and a score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rldk_tui.checkpoints.drift import Drift
from rldk_tui.checkpoints.figures import Figure
from rldk_tui.checkpoints.issues import CheckpointIssue
from rldk_tui.checkpoints.layout import CheckpointKind, FileProblem
from rldk_tui.checkpoints.reference import Reference
from rldk_tui.checkpoints.summaries import Summary
from rldk_tui.checkpoints.survey import TensorStatistics
from rldk_tui.checkpoints.training_state import TrainingState
from rldk_tui.events import Severity
from rldk_tui.scoring import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointAnalysis:
    """One checkpoint, measured and judged.

    Attributes:
        path: Its folder or file.
        step: From its name or its state; None if nothing tells it.
        kind: What sort of checkpoint it is.
        complete: Whether it was written to its end; None where that cannot be told (an exported model).
        size: Bytes of its files.
        tensors: Measured, in the order of the files.
        total: All weights taken together.
        layers, roles: The same for each layer and each role's group.
        figures: What it is judged by, by the names of `metrics/checkpoints.py`; what could not be measured is absent.
        issues: Worst first.
        score: Its health, 0 to 1, with its reasons.
        training: What its optimizer, scheduler and trainer state say.
        problems: What of its files could not be read.
        since_previous, since_first: How far it is from the checkpoint before and from the run's first; None if unknown.
        changes: ‖ΔW‖/‖W‖ of every tensor since the checkpoint before, by name; NaN where it cannot be told, empty without one.
        reference: What later checkpoints are compared with; None for one without a step.
    """

    path: Path
    step: int | None
    kind: CheckpointKind
    complete: bool | None
    size: int
    tensors: tuple[TensorStatistics, ...]
    total: Summary
    layers: tuple[Summary, ...]
    roles: tuple[Summary, ...]
    figures: Mapping[str, Figure]
    issues: tuple[CheckpointIssue, ...]
    score: Score
    training: TrainingState
    problems: tuple[FileProblem, ...] = ()
    since_previous: Drift | None = None
    since_first: Drift | None = None
    changes: Mapping[str, float] = field(default_factory=dict, repr=False)
    reference: Reference | None = field(default=None, repr=False)

    @property
    def health(self) -> float | None:
        """The score's value; None if it cannot be given."""
        return self.score.value

    @property
    def usable(self) -> bool:
        """Whether its weights are all there, can be read and are finite."""
        broken = {"ckpt-nonfinite", "ckpt-incomplete", "ckpt-unreadable"}
        return bool(self.tensors) and not any(
            issue.rule in broken and issue.severity.rank >= Severity.HIGH.rank for issue in self.issues
        )
