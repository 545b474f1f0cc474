"""The answers to one prompt at two steps, the best of each beside the other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from rldk_tui.summary.generations.sample import Sample, samples_of


@dataclass(frozen=True, slots=True)
class Pair:
    """One prompt at two steps.

    Attributes:
        before, after: The answer of the highest reward; the first of them among equals.
        mean_before, mean_after: The mean reward of all its answers; None if none was scored.
        count_before, count_after: How many answers there are.
    """

    before: Sample
    after: Sample
    mean_before: float | None
    mean_after: float | None
    count_before: int
    count_after: int


def pairs_of(prompts: Sequence[tuple[str, str]], frame: pl.DataFrame, steps: tuple[int, int]) -> Iterator[Pair]:
    """A pair for each prompt (hash, phase), in this order."""
    answers: dict[tuple[str, str, int], list[Sample]] = {}
    for sample in samples_of(frame):
        answers.setdefault((sample.prompt_hash, sample.phase, sample.step), []).append(sample)
    for mark, phase in prompts:
        before, after = (answers[mark, phase, step] for step in steps)
        yield Pair(_best(before), _best(after), mean_reward(before), mean_reward(after), len(before), len(after))


def mean_reward(samples: Sequence[Sample]) -> float | None:
    """Over those that were scored with a finite number."""
    known = [sample.reward for sample in samples if sample.reward is not None and math.isfinite(sample.reward)]
    return math.fsum(known) / len(known) if known else None


def _best(samples: Sequence[Sample]) -> Sample:
    return max(samples, key=lambda one: -math.inf if one.reward is None or math.isnan(one.reward) else one.reward)
