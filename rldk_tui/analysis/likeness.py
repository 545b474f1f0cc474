"""How much the replies of one batch resemble each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np

Words = tuple[str, ...]
COMPARED = 24
"""Replies that are compared with each other, spread evenly over the batch: 276 pairs at most."""
_FIRST = 400
"""Words of a reply that are compared."""


def unique_share(replies: Sequence[str]) -> float:
    """The share of the replies after the first that differ from every other before: 0 if all are one, 1 if none is another's.

    Args:
        replies: to one prompt, at least two.
    """
    return (len(set(replies)) - 1) / (len(replies) - 1)


def similarity(prompts: Sequence[str], replies: Sequence[Words]) -> float | None:
    """Mean Jaccard likeness of the word 3-grams of two replies to different prompts; None without two such.

    Replies without text are left out.
    """
    told = [index for index, words in enumerate(replies) if words]
    picked = [told[place] for place in np.linspace(0, len(told) - 1, min(COMPARED, len(told))).astype(int)] if told else []
    grams = {index: _three_grams(replies[index]) for index in picked}
    pairs = [(a, b) for a, b in combinations(picked, 2) if prompts[a] != prompts[b]]
    if not pairs:
        return None
    return sum(_jaccard(grams[a], grams[b]) for a, b in pairs) / len(pairs)


def distinct_2(replies: Sequence[Words]) -> float | None:
    """Distinct pairs of neighbouring words ÷ all of them, over the batch (Li et al., arXiv 1510.03055)."""
    grams = [gram for words in replies for gram in pairwise(words[:_FIRST])]
    return len(set(grams)) / len(grams) if grams else None


def _three_grams(words: Words) -> set[Words]:
    if len(words) < 3:
        return {words}
    return set(zip(words[:_FIRST], words[1:_FIRST], words[2:_FIRST], strict=False))


def _jaccard(one: set[Words], other: set[Words]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)
