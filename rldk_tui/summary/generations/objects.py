"""Generations as JSON lines: one strict object a line, every key present, null where the log has no word on it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

import polars as pl

from rldk_tui.events import Json, strict
from rldk_tui.summary.generations.pairs import Pair
from rldk_tui.summary.generations.sample import Sample, samples_of


def sample_object(sample: Sample) -> dict[str, Json]:
    """One generation. A number that is not finite is the text "nan", "inf" or "-inf"."""
    answer: dict[str, Json] = {
        "step": sample.step,
        "phase": sample.phase,
        "row": sample.row,
        "prompt_hash": sample.prompt_hash,
        "reward": sample.reward,
        "rewards": dict(sample.rewards),
        "advantage": sample.advantage,
        "length": sample.length,
        "truncated": sample.truncated,
        "prompt": sample.prompt,
        "completion": sample.completion,
        "source": sample.source,
    }
    result: dict[str, Json] = strict(answer)
    return result


def json_lines(frame: pl.DataFrame) -> Iterator[str]:
    """Each generation on a line."""
    return (_line(sample_object(sample)) for sample in samples_of(frame))


def group_json_lines(frame: pl.DataFrame) -> Iterator[str]:
    """Each group on a line: its step, phase and prompt, and its `samples`."""
    for (step, phase, mark), members in groupby(samples_of(frame), lambda one: (one.step, one.phase, one.prompt_hash)):
        samples: list[Json] = [sample_object(member) for member in members]
        yield _line({"step": step, "phase": phase, "prompt_hash": mark, "samples": samples})


def pair_json_lines(pairs: Sequence[Pair]) -> Iterator[str]:
    """Each prompt on a line: the best answer `before` and `after`, and the mean reward of all its answers at both steps."""
    for pair in pairs:
        yield _line(
            {
                "prompt_hash": pair.before.prompt_hash,
                "phase": pair.before.phase,
                "before": sample_object(pair.before),
                "after": sample_object(pair.after),
                "mean_reward_before": strict(pair.mean_before),
                "mean_reward_after": strict(pair.mean_after),
            }
        )


def _line(value: dict[str, Json]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
