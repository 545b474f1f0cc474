"""How much the replies of one batch resemble each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from rldk_tui.statistics.windows import Floats

Words = tuple[str, ...]
Marks = NDArray[np.uint64]
COMPARED = 24
"""Replies that are compared with each other, spread evenly over the batch: 276 pairs at most."""
_FIRST = 400
"""Words of a reply that are compared."""
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that no mark is lost by it."""


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
    asked = np.unique([prompts[index] for index in picked], return_inverse=True)[1]
    differ = np.triu(asked[:, None] != asked[None, :])
    if not differ.any():
        return None
    return float(_jaccard([_grams(replies[index], 3) for index in picked])[differ].mean())


def distinct_2(replies: Sequence[Words]) -> float | None:
    """Distinct pairs of neighbouring words ÷ all of them, over the batch (Li et al., arXiv 1510.03055)."""
    first = [words[:_FIRST] for words in replies if words]
    marks = np.fromiter(map(hash, chain.from_iterable(first)), np.int64).view(np.uint64)
    within = np.ones(max(0, marks.size - 1), np.bool_)
    within[np.cumsum([len(words) for words in first], dtype=np.intp)[:-1] - 1] = False
    pairs = np.sort((marks[:-1] * _MULTIPLIER + marks[1:])[within])
    return (1 + int(np.count_nonzero(pairs[1:] != pairs[:-1]))) / pairs.size if pairs.size else None


def _grams(words: Words, n: int) -> Marks:
    """A 64-bit mark of each n-gram of the first words; of a shorter text one of all its words."""
    marks = np.fromiter(map(hash, words[:_FIRST]), np.int64).view(np.uint64)
    size = min(n, marks.size)
    grams = np.full(marks.size - size + 1, size, np.uint64)
    for start in range(size):
        grams = grams * _MULTIPLIER + marks[start : start + grams.size]
    return grams


def _jaccard(grams: Sequence[Marks]) -> Floats:
    """Shared ÷ all different n-grams, of each with each."""
    _, gram = np.unique(np.concatenate(grams), return_inverse=True)
    has = np.zeros((len(grams), int(gram.max()) + 1), np.float32)
    has[np.repeat(np.arange(len(grams)), [one.size for one in grams]), gram] = 1.0
    shared = (has @ has.T).astype(np.float64)
    sizes = shared.diagonal()
    return shared / (sizes[:, None] + sizes[None, :] - shared)
