"""Whether a reply is text at all, by the run's own text and without a model of language.

The prompts and the first replies of a run are the reference: a model of characters by the two before them (interpolated as
Witten and Bell do, IEEE Transactions on Information Theory 37, 1991) learns what this run's text is made of, be it prose,
code, formulas or a script without spaces. The *disorder* of a reply is the surprise of its characters as they stand (mean
−log2 p) divided by the surprise of the same characters in random order. Text, on whatever subject, has order of which the
reference knows some: 0.1 to 0.7. Characters drawn at random have none: 1. Both surprises are of the same characters, so
neither a new subject nor rare characters count, and what a run wrote from its first step on is judged too.

What it cannot tell: real words in a senseless order are text to it. Loops have order; `samples/repeating` tells of them. A
reply in a script that the reference does not have is not judged (`samples/script_mismatch`), nor is one that is short or made
of few different characters. Long codes without order, such as base64, are as random as gibberish, and called so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rldk_tui.analysis.characters import unprintable_and_script
from rldk_tui.statistics.windows import Floats

DISORDER = 0.9
"""Beyond it a reply is gibberish. Of 2,800 new passages of each of sixteen kinds of text (nine languages, code, markup,
formulas), each judged by a reference of its own kind, at most 1 in 1000 lay beyond; of random characters, random letters and
shuffled prose 96 in 100 and more, of shuffled code and JSON seven to eight in ten."""
LOOKED_AT = 384
"""Characters of a text that are looked at: half of them at its beginning, half at its end."""
SHORTEST, FEWEST_DIFFERENT = 64, 8
"""Characters, and different ones, below which nothing is said."""
BATCHES, ENOUGH, MOST = 8, 20_000, 400_000
"""Batches that are learned from at least, until so many characters were learned, and characters at most."""
JUDGES = 5_000
"""Characters from which on the reference can judge."""
REPLIES = 32
"""Replies of a batch that are looked at, an even sample of its rows."""
_NEW = 0.3
"""Share of characters that the reference does not have from which a reply of one script is in another."""
_UNSEEN = 2.0**-12
"""Probability of a character that the reference does not have, once one is due."""
_ORDER = np.random.default_rng(0).random(2 * LOOKED_AT)
_DIGITS = re.compile(r"\d")
_BETWEEN = "\x00\x00"
_MIX = np.uint64(0x9E3779B97F4A7C15)
_BITS = (17, 18, 19)
"""Sizes of the tables of one, two and three characters, as powers of two."""

Places = NDArray[np.intp]
Counts = NDArray[np.int32]
Codes = NDArray[np.uint64]


class TextReference:
    """What the text of a run is made of. It grows with the first batches; memory is bounded.

    Attributes:
        learned: Characters it was made of.
    """

    def __init__(self) -> None:
        self.learned = 0
        self._batches: set[float] = set()
        self._different = 0
        self._count: tuple[Counts, ...] = tuple(np.zeros(1 << bits, np.int32) for bits in _BITS)
        self._followers: tuple[Counts, ...] = tuple(np.zeros(1 << bits, np.int32) for bits in _BITS[:2])

    @property
    def learning(self) -> bool:
        """Whether the next batch is one of the first."""
        return (len(self._batches) < BATCHES or self.learned < ENOUGH) and self.learned < MOST

    def add(self, mark: float, prompts: Sequence[str], replies: Sequence[str]) -> Floats:
        """The disorder of each reply, and learn from what is text if it is one of the first batches.

        Args:
            mark: A number by which the same batch is known again.
            prompts: Any number, each once.
            replies: Any number.
        """
        found = self.disorder(replies)
        if self.learning and mark not in self._batches:
            self._batches.add(mark)
            text = [reply for reply, disorder in zip(replies, found, strict=True) if not disorder > DISORDER]
            self._learn([_seen(one) for one in (*prompts, *text)])
        return found

    def disorder(self, texts: Sequence[str]) -> Floats:
        """Surprise as it stands ÷ surprise in random order, of each text; NaN where nothing is said. Shape (texts,)."""
        found = np.full(len(texts), np.nan)
        if self.learned < JUDGES:
            return found
        seen = [_seen(text) for text in texts]
        long = [at for at, text in enumerate(seen) if len(text) >= SHORTEST and len(set(text)) >= FEWEST_DIFFERENT]
        if not long:
            return found
        for first in range(0, len(long), REPLIES):  # few at once: arrays that fit the cache
            places = long[first : first + REPLIES]
            found[places] = self._judged([seen[at] for at in places])
        return found

    def _judged(self, texts: Sequence[str]) -> Floats:
        codes = _joined(texts)
        sizes = np.array([len(text) for text in texts])
        begins = np.cumsum(sizes + len(_BETWEEN)) - sizes
        shuffled = codes.copy()
        for begin, size in zip(begins.tolist(), sizes.tolist(), strict=True):
            shuffled[begin : begin + size] = codes[begin + _shuffle(size)]
        as_it_stands, new = self._surprise(codes, begins, sizes)
        at_random, _ = self._surprise(shuffled, begins, sizes)
        scripts = unprintable_and_script(texts)[1]
        other = np.array([share > _NEW and script is not None for share, script in zip(new, scripts, strict=True)])
        return np.where(other, np.nan, as_it_stands / at_random)

    def _learn(self, texts: Sequence[str]) -> None:
        if not texts:
            return
        one, two, three, told = _places(_joined(texts))
        before_one, before_two = one[1:-1][told], two[:-1][told]
        self._different += _count_new(self._count[0], one[2:][told])[0].size
        for order, place, before in ((1, two[1:][told], before_one), (2, three[told], before_two)):
            _, first = _count_new(self._count[order], place)
            np.add.at(self._followers[order - 1], before[first], 1)
        self.learned += int(told.sum())

    def _surprise(self, codes: Codes, begins: Places, sizes: Places) -> tuple[Floats, Floats]:
        """Mean bits a character of each text, and the share of its characters that the reference does not have."""
        one, two, three, told = _places(codes)
        known = self._count[0][one[2:]]
        chance = (known + self._different * _UNSEEN) / (self.learned + self._different)
        for place, before, order in ((two[1:], one[1:-1], 1), (three, two[:-1], 2)):
            followers = np.maximum(self._followers[order - 1][before], 1)
            chance = (self._count[order][place] + followers * chance) / (self._count[order - 1][before] + followers)
        bits, new = np.where(told, -np.log2(np.minimum(chance, 1.0)), 0.0), np.where(told, known == 0, 0)
        firsts = begins - len(_BETWEEN)  # a place is told of the third character on
        return np.add.reduceat(bits, firsts) / sizes, np.add.reduceat(new, firsts) / sizes


@lru_cache(maxsize=2 * LOOKED_AT)
def _shuffle(length: int) -> Places:
    """The same order for every text of this length."""
    return _ORDER[:length].argsort()


def sampled(count: int) -> list[int]:
    """The rows of a batch that are looked at."""
    places: list[int] = np.unique(np.linspace(0, count - 1, min(count, REPLIES)).astype(int)).tolist()
    return places


def _seen(text: str) -> str:
    """What is looked at: beginning and end, every digit as 0, white space as one space."""
    half = LOOKED_AT // 2
    part = text if len(text) <= LOOKED_AT else f"{text[:half]} {text[-half:]}"
    return _DIGITS.sub("0", " ".join(part.replace("\x00", "\ufffd").split()))


def _joined(texts: Sequence[str]) -> Codes:
    """The characters of texts, `_BETWEEN` before each."""
    joined = _BETWEEN + _BETWEEN.join(texts)
    return np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)


def _places(codes: Codes) -> tuple[Places, Places, Places, NDArray[np.bool_]]:
    """The places in the tables of each character, each two and each three; and which third ones are characters of a text."""
    one = (codes + np.uint64(1)) * _MIX
    two = (one[:-1] + codes[1:] + np.uint64(1)) * _MIX
    three = (two[:-1] + codes[2:] + np.uint64(1)) * _MIX
    places = [(keys >> np.uint64(64 - bits)).astype(np.intp) for keys, bits in zip((one, two, three), _BITS, strict=True)]
    return places[0], places[1], places[2], codes[2:] != 0


def _count_new(counts: Counts, places: Places) -> tuple[Places, Places]:
    """Count these; returns the places that were not there before, and where each of them comes first."""
    different, first = np.unique(places, return_index=True)
    new = counts[different] == 0
    np.add.at(counts, places, 1)
    return different[new], first[new]
