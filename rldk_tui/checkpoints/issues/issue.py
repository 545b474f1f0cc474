"""What is wrong with a checkpoint, and how a check for it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from rldk_tui.checkpoints.figures import Figure
from rldk_tui.checkpoints.file_problem import FileProblem
from rldk_tui.checkpoints.layout import CheckpointFiles
from rldk_tui.checkpoints.reference import Reference
from rldk_tui.checkpoints.survey import TensorStatistics
from rldk_tui.checkpoints.training_state import TrainingState
from rldk_tui.events import Advice, Severity
from rldk_tui.scoring import Family

_LONGEST_NAME = 120
"""Characters of a name in a message; tensors may be called anything."""
_PLAIN = 1e6
"""Percent from which on no digits are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointIssue:
    """One thing that is wrong.

    Attributes:
        rule: The check's id; `rldk explain RULE` has the manual of those that are rules of a run as well.
        severity: As of a finding.
        message: One sentence with numbers.
        tensors: The tensors it is about, the worst first, the first few.
        advice: What to do.
    """

    rule: str
    severity: Severity
    message: str
    tensors: tuple[str, ...] = ()
    advice: tuple[Advice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything a check may know.

    Attributes:
        files: What the folder holds.
        problems: What of it could not be read.
        step: Of the checkpoint; None if nothing tells it.
        tensors: Measured.
        figures: By the names of `metrics/checkpoints.py`.
        base: The run's beginning; None if unknown or if this is it.
        training: What the optimizer, the scheduler and the trainer's state say; None if there are none.
    """

    files: CheckpointFiles
    problems: tuple[FileProblem, ...] = ()
    step: int | None
    tensors: tuple[TensorStatistics, ...]
    figures: Mapping[str, Figure] = field(default_factory=dict)
    base: Reference | None = None
    training: TrainingState | None = None

    def setting(self, name: str) -> float | None:
        """A setting of the training, where it is saved with the checkpoint as a number."""
        return None if self.training is None else self.training.setting(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A question asked of every checkpoint.

    Attributes:
        rule: Its id.
        family: For the score.
        ceiling: The worst it can say.
        evaluable: Whether the evidence answers it.
        judge: What is wrong; asked only where it is evaluable.
        applies: Whether it is a question about this checkpoint at all.
    """

    rule: str
    family: Family
    ceiling: Severity
    evaluable: Callable[[Evidence], bool]
    judge: Callable[[Evidence], Iterable[CheckpointIssue]]
    applies: Callable[[Evidence], bool] = lambda _: True


def measured(*names: str) -> Callable[[Evidence], bool]:
    """Whether one of these figures could be measured."""
    return lambda evidence: any(name in evidence.figures for name in names)


def to(text: str, parameter: str | None = None, proposed: str | None = None, current: float | None = None) -> Advice:
    """A piece of advice."""
    return Advice(text=text, parameter=parameter, proposed=proposed, current=current)


def share(value: float) -> str:
    """A share of 1 as people read it: `0.0123 %`, `12.3 %`, `1,310 %`."""
    percent = 100.0 * value
    return f"{percent:,.0f} %" if 100.0 <= abs(percent) < _PLAIN else f"{percent:.3g} %"


def listed(names: tuple[str, ...], shown: int = 3) -> str:
    """Names in brackets, with a space before them; nothing without any. Of a long name the end, which tells it from others."""
    more = " …" if len(names) > shown else ""
    ends = (name if len(name) <= _LONGEST_NAME else f"…{name[1 - _LONGEST_NAME :]}" for name in names[:shown])
    return f" ({', '.join(ends)}{more})" if names else ""
