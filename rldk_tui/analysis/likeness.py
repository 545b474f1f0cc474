"""How much the replies of one batch resemble each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from rldk_tui.statistics.windows import Floats

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


def marks(replies: Sequence[Sequence[str]]) -> list[Marks]:
    """A number of 64 bits for each of the first words of each reply; the same word has the same one in every reply."""
    first = [words[:_FIRST] for words in replies]
    every = np.fromiter(map(hash, chain.from_iterable(first)), np.int64).view(np.uint64)
    return np.split(every, np.cumsum([len(words) for words in first])[:-1]) if first else []


def similarity(prompts: Sequence[str], replies: Sequence[Marks]) -> float | None:
    """Mean Jaccard likeness of the word 3-grams of two replies to different prompts; None without two such.

    Replies without text are left out.

    Args:
        prompts: of n replies.
        replies: the `marks` of each.
    """
    told = [index for index, words in enumerate(replies) if words.size]
    picked = [told[place] for place in np.linspace(0, len(told) - 1, min(COMPARED, len(told))).astype(int)] if told else []
    number = {prompt: place for place, prompt in enumerate(dict.fromkeys(prompts[index] for index in picked))}
    asked = np.array([number[prompts[index]] for index in picked])
    differ = np.triu(asked[:, None] != asked[None, :])
    if not differ.any():
        return None
    return float(_jaccard([_grams(replies[index], 3) for index in picked])[differ].mean())


def distinct_2(replies: Sequence[Marks]) -> float | None:
    """Distinct pairs of neighbouring words ÷ all of them, over the batch (Li et al., arXiv 1510.03055).

    Args:
        replies: the `marks` of each.
    """
    if not replies:
        return None
    pairs = np.concatenate([words[:-1] * _MULTIPLIER + words[1:] for words in replies])
    pairs.sort()
    return (1 + int(np.count_nonzero(pairs[1:] != pairs[:-1]))) / pairs.size if pairs.size else None


def _grams(words: Marks, n: int) -> Marks:
    """A 64-bit mark of each n-gram; of a shorter text one of all its words."""
    size = min(n, words.size)
    grams = np.full(words.size - size + 1, size, np.uint64)
    for start in range(size):
        grams = grams * _MULTIPLIER + words[start : start + grams.size]
    return grams


def _jaccard(grams: Sequence[Marks]) -> Floats:
    """Shared ÷ all different n-grams, of each with each."""
    _, gram = np.unique(np.concatenate(grams), return_inverse=True)
    has = np.zeros((len(grams), int(gram.max()) + 1), np.float32)
    has[np.repeat(np.arange(len(grams)), [one.size for one in grams]), gram] = 1.0
    shared = (has @ has.T).astype(np.float64)
    sizes = shared.diagonal()
    return shared / (sizes[:, None] + sizes[None, :] - shared)
