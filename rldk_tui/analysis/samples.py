"""What a step's generations measure: columns of the step's row under `samples/`, so that rules and charts read them.

Every measure of a step depends on that step's generations alone, so it does not matter when or in what pieces they arrive.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from rldk_tui.events import Completions, Event, Measured, Origin, Phase


def with_samples(events: Iterable[tuple[Event, Origin]]) -> Iterator[tuple[Event, Origin]]:
    """The events, and after each step's training generations what they measure."""
    for event, origin in events:
        yield event, origin
        if isinstance(event, Completions) and event.phase is Phase.TRAIN and event.rows:
            yield measure(event), origin


def measure(event: Completions) -> Measured:
    """The measures of one step's generations; one that cannot be taken of them is left out."""
    values: dict[str, float | None] = {"samples/count": float(len(event.rows))}
    return Measured(
        time=event.time, step=event.step, values={k: v for k, v in values.items() if v is not None and math.isfinite(v)}
    )
