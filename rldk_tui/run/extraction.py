"""What the callback could not record, told together: the same trouble at many steps is one line of any face."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rldk_tui.events import ExtractionError, ExtractionKind


@dataclass(frozen=True, slots=True)
class Trouble:
    """Extraction errors that say the same of the same metric, numbers apart; the words are the newest one's.

    Attributes:
        first, last: Steps of the first and the last; None where none tells a step.
    """

    kind: ExtractionKind
    metric: str | None
    message: str
    advice: str | None
    count: int
    first: int | None
    last: int | None


def troubles(errors: Iterable[ExtractionError]) -> tuple[Trouble, ...]:
    """In the order of their first word; what is rightly unavailable comes last."""
    found: dict[tuple[object, ...], list[ExtractionError]] = {}
    for error in errors:
        found.setdefault((error.kind, error.phase, error.metric, re.sub(r"[\d.,e+-]+", "#", error.message)), []).append(error)
    together = [_together(same) for same in found.values()]
    return tuple(sorted(together, key=lambda trouble: trouble.kind is ExtractionKind.UNAVAILABLE))


def _together(errors: list[ExtractionError]) -> Trouble:
    newest = errors[-1]
    steps = [error.step for error in errors if error.step is not None]
    return Trouble(
        kind=newest.kind,
        metric=newest.metric,
        message=newest.message,
        advice=newest.advice,
        count=len(errors),
        first=min(steps, default=None),
        last=max(steps, default=None),
    )


def faulty(errors: Iterable[ExtractionError]) -> tuple[ExtractionError, ...]:
    """Those that something is wrong with: all but what is rightly unavailable."""
    return tuple(error for error in errors if error.kind is not ExtractionKind.UNAVAILABLE)
