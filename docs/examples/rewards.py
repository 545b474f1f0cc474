"""A reward function as GRPO, RLOO and Online DPO take it: one number a completion, None where it cannot be scored."""

from __future__ import annotations

from typing import Any


def variety(completions: list[str], **_: Any) -> list[float | None]:
    """The share of different words, for answers of at least three."""
    texts = [completion.split() for completion in completions]
    return [len(set(words)) / len(words) if len(words) >= 3 else None for words in texts]
