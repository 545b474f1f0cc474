"""Numbers, names and issues of checkpoints in words.

Names of tensors and files come from the checkpoint and are made harmless first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeVar

from rldk_tui.charts.format import NOTHING, number
from rldk_tui.charts.text import one_line
from rldk_tui.checkpoints.analysis import CheckpointAnalysis
from rldk_tui.checkpoints.comparison import ChangeSummary
from rldk_tui.checkpoints.drift import Drift
from rldk_tui.checkpoints.issues import CheckpointIssue
from rldk_tui.checkpoints.summaries import Summary
from rldk_tui.summary.prose import advice_line

Layer = TypeVar("Layer", Summary, ChangeSummary)
WIDTH = 80
"""Cells of a line where nothing tells how many there are."""
MOST = 10
"""Layers or tensors of a table; the rest is in the JSON."""
_LONGEST = 400


def health_of(analysis: CheckpointAnalysis) -> str:
    """The score of a checkpoint."""
    health = analysis.health
    return f"health {'not graded' if health is None else f'{health:.2f}'}"


def issue_lines(issue: CheckpointIssue) -> Iterator[str]:
    """An issue and its advice."""
    yield f"{issue.severity.value.upper():8}  {issue.rule}"
    yield f"  {plain(issue.message)}"
    for advice in issue.advice:
        yield f"  → {plain(advice_line(advice))}"


def how_far(drift: Drift | None) -> str:
    """How far; – where it is not known."""
    return NOTHING if drift is None else share(drift.relative)


def share(value: float) -> str:
    """A share with three digits, however small; – where it is not known."""
    return NOTHING if math.isnan(value) else f"{number(100.0 * value)} %"


def six_digits(value: float) -> str:
    """A cosine, which is near 1; – where it is not known."""
    return NOTHING if math.isnan(value) else f"{value:.6f}"


def ends(summaries: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """All layers if they are few, else the first and the last."""
    return summaries if len(summaries) <= MOST else summaries[: MOST // 2] + summaries[-MOST // 2 :]


def plain(text: str) -> str:
    """A name out of a file, harmless and on one line."""
    return one_line(text, _LONGEST)
