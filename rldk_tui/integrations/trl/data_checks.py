"""Shares of training examples that teach less than they seem to. Pure functions over rows as TRL prepares them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from rldk_tui.events import Algorithm

Example: TypeAlias = tuple[int, Mapping[str, Any]]
"""A row's number and its columns."""
Share: TypeAlias = tuple[float, tuple[str, ...]]
"""A share of the rows, and the first of the rows it is about."""

_MOST_NAMED = 8
_PROMPTS = ("prompt", "prompt_ids", "text", "messages", "input_ids")
"""Where a prompt stands; of data that has none it is the whole text."""


def share_cut(examples: Sequence[Example], algorithm: Algorithm | None, args: Any) -> Share | None:
    """Examples longer than `max_length`; None where that cannot be told.

    SFT cuts while it prepares the data, so there an example of exactly that length counts as cut. Packed examples are full
    by intent, and RewardTrainer leaves long ones out instead of cutting them.
    """
    limit = getattr(args, "max_length", None)
    if not examples or algorithm not in {Algorithm.SFT, Algorithm.DPO, Algorithm.KTO}:
        return None
    if limit is None:
        return 0.0, ()
    if algorithm is Algorithm.SFT:
        prepared = not (getattr(args, "dataset_kwargs", None) or {}).get("skip_prepare_dataset", False)
        if not prepared or getattr(args, "packing", False) or "input_ids" not in examples[0][1]:
            return None
        return _share([(index, len(row["input_ids"]) >= limit) for index, row in examples])
    answers = ("chosen_ids", "rejected_ids") if algorithm is Algorithm.DPO else ("completion_ids",)
    if any(column not in examples[0][1] for column in ("prompt_ids", *answers)):
        return None
    return _share(
        [(index, len(row["prompt_ids"]) + max(len(row[answer]) for answer in answers) > limit) for index, row in examples]
    )


def share_identical(examples: Sequence[Example], algorithm: Algorithm | None, args: Any) -> Share | None:
    """Preference pairs whose two sides are the same tokens after cutting; None where there are no pairs."""
    if not examples or algorithm not in {Algorithm.DPO, Algorithm.REWARD}:
        return None
    if any(column not in examples[0][1] for column in ("chosen_ids", "rejected_ids")):
        return None
    limit = getattr(args, "max_length", None)
    kept = slice(None)
    if limit is not None:
        kept = slice(-limit, None) if getattr(args, "truncation_mode", "keep_start") == "keep_end" else slice(limit)
    found = []
    for index, row in examples:
        prompt = row.get("prompt_ids") or []
        found.append((index, (prompt + row["chosen_ids"])[kept] == (prompt + row["rejected_ids"])[kept]))
    return _share(found)


def share_desirable(examples: Iterable[Example]) -> Share | None:
    """Examples with a true label."""
    labels = [bool(row["label"]) for _, row in examples]
    return (sum(labels) / len(labels), ()) if labels else None


def prompt_column(columns: Sequence[Collection[str]]) -> str | None:
    """The column by which the prompts of these datasets can be compared."""
    return next((name for name in _PROMPTS if all(name in known for known in columns)), None)


def prompt_key(prompt: Any) -> int:
    """A number that two prompts share if they are the same text without case and spaces, or the same tokens."""
    if isinstance(prompt, list) and not any(isinstance(part, dict) for part in prompt):
        return hash(tuple(prompt))
    return hash("".join(_text(prompt).split()).casefold())


def overlap(taught: Collection[int], asked: Sequence[tuple[int, int]]) -> Share | None:
    """Of the evaluation's prompts (row number, key), the share that is taught."""
    return _share([(index, key in taught) for index, key in asked]) if taught and asked else None


def _text(prompt: Any) -> str:
    """A prompt's words, be it a text or a conversation, whose last answer is no part of it."""
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, dict):
        return _text(prompt.get("content") or prompt.get("text") or "")
    if not isinstance(prompt, list):
        return ""
    asked = prompt[:-1] if isinstance(prompt[-1], dict) and prompt[-1].get("role") == "assistant" else prompt
    return "\n".join(_text(part) for part in asked)


def _share(flags: Sequence[tuple[int, bool]]) -> Share:
    rows = [index for index, flag in flags if flag]
    return len(rows) / len(flags), tuple(f"row {index}" for index in rows[:_MOST_NAMED])
