"""One generation as it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from rldk_tui.summary.generations.fields import REWARDS

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Sample:
    """A row of the table of generations; None where the log has no word on it.

    Attributes:
        row: Its place among its step's generations, as findings name it.
        reward: The sum over the reward functions that scored it.
        rewards: By reward function.
        length: In tokens.
        prompt_hash: The mark of its prompt.
        source: The file it was read from, within the run.
    """

    step: int
    phase: str
    row: int
    prompt: str
    completion: str
    reward: float | None
    rewards: Mapping[str, float | None]
    advantage: float | None
    length: int | None
    truncated: bool | None
    prompt_hash: str
    source: str


def samples_of(frame: pl.DataFrame) -> Iterator[Sample]:
    """The rows of a table, in its order."""
    for part in frame.iter_slices(_AT_ONCE):
        for row in part.iter_rows(named=True):
            yield _sample(row)


def _sample(row: Mapping[str, Any]) -> Sample:
    rewards = {name.removeprefix(REWARDS): value for name, value in row.items() if name.startswith(REWARDS)}
    return Sample(
        step=row["step"],
        phase=row["phase"],
        row=row["row"],
        prompt=row["prompt"],
        completion=row["completion"],
        reward=row["reward"],
        rewards=rewards,
        advantage=row["advantage"],
        length=row["length"],
        truncated=row["truncated"],
        prompt_hash=row["prompt_hash"],
        source=row["source"],
    )
