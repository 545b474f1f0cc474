"""Phrases of one to four words (characters where a script writes no spaces) that occur in a batch of texts, and where.

What is looked at of a text is bounded: its first and its last `WORDS` words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from rldk_tui.analysis.text_health import LONGEST as LOOKED_AT
from rldk_tui.analysis.text_health import words_of

WORDS = 64
LONGEST = 4
"""Words of the longest phrase."""
_SHOWN = 200
"""Characters of a phrase that are told."""
_REMEMBERED = 65_536
"""Words whose code is kept."""
_EDGES = " \t\r\n.,;:!?\"'()*_`\u3002\uff0c\uff01\uff1f\u201c\u201d\u2018\u2019\u2026"
_PRIME, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_SHIFT, _BUCKET = np.uint64(29), np.uint64(48)

Words = Sequence[str]
Hashes = NDArray[np.uint64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Phrases:
    """The phrases of one batch, rising by hash, and where each occurs: `phrase`, `row` and `place` have an entry for each."""

    hashes: Hashes
    lengths: NDArray[np.int64]
    phrase: Indices
    row: Indices
    place: Indices


def ends(text: str, words: Words = ()) -> tuple[Words, ...]:
    """The first and the last `WORDS` words, as two texts where something lies between them.

    Args:
        text: Any.
        words: Its words (`text_health.words_of`), where they are known already.
    """
    seen = text[:LOOKED_AT]
    if not words and seen.isascii():
        return _plain_ends(seen)
    words = words or words_of(seen)
    return (words,) if len(words) <= 2 * WORDS else (words[:WORDS], words[-WORDS:])


def _plain_ends(text: str) -> tuple[Words, ...]:
    """The same without making a list of what lies between."""
    first = text.split(None, WORDS)
    if len(first) <= WORDS:
        return (first,)
    last = first.pop().rsplit(None, WORDS)  # the last piece was all the rest
    return (first + last,) if len(last) <= WORDS else (first, last[1:])


class Codes(dict[str, int]):
    """A number of 32 bits for each word, which is told without regard to case and to the punctuation around it."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _REMEMBERED:
            self.clear()
        code = self[word] = crc32(_plain(word).encode("utf-8", "surrogatepass"))
        return code


def _plain(word: str) -> str:
    return word.strip(_EDGES).casefold() or word


@dataclass(frozen=True, slots=True)
class Flat:
    """All words of a batch, one after the other.

    Attributes:
        spoken: The words as they stand in the texts.
        code: shape (k,), the number of each.
        row: shape (k,), whose word it is.
        left: shape (k,), words from it to the end of its text, itself included.
    """

    spoken: Words
    code: Hashes
    row: Indices
    left: Indices

    @classmethod
    def of(cls, texts: Sequence[tuple[Words, ...]], codes: Codes) -> Flat:
        """Words are told apart by their code."""
        pieces = [(row, piece) for row, text in enumerate(texts) for piece in text if piece]
        sizes = np.array([len(piece) for _, piece in pieces], np.intp)
        spoken = list(chain.from_iterable(piece for _, piece in pieces))
        code = np.fromiter(map(codes.__getitem__, spoken), np.uint64, len(spoken))
        ends = np.repeat(np.cumsum(sizes), sizes)
        row = np.repeat(np.array([row for row, _ in pieces], np.intp), sizes)
        return cls(spoken, code, row, ends - np.arange(code.size))

    def words(self, place: int, length: int) -> str:
        """The phrase that begins there."""
        told = " ".join(map(_plain, self.spoken[place : place + length]))
        return "".join(letter if letter.isprintable() else "\ufffd" for letter in told[:_SHOWN])


def phrases(flat: Flat, replies: int) -> Phrases:
    """The phrases that at least two replies hold; rows from `replies` on are prompts, and name what was asked for."""
    hashed, places, lengths = [], [], []
    codes = (flat.code + np.uint64(1)) * _PRIME
    again = np.arange(codes.size)
    own = np.zeros(codes.size, np.uint64)
    for length in range(1, LONGEST + 1):
        # of a phrase that comes twice the beginning does too: the others need not be looked at any more
        again = again[flat.left[again] >= length]
        own = own[: codes.size - length + 1]
        own[again] = own[again] * _MIX + codes[again + length - 1]
        own[again] ^= own[again] >> _SHIFT
        again = again[_come_again(own[again])]
        hashed.append(own[again])
        places.append(again)
        lengths.append(np.full(again.size, length))
    hashes, place, size = np.concatenate(hashed), np.concatenate(places), np.concatenate(lengths)
    order = np.argsort(hashes)
    hashes, size = hashes[order], size[order]
    first = np.ones(hashes.size, np.bool_)
    first[1:] = hashes[1:] != hashes[:-1]
    phrase, place = _by_phrase(np.cumsum(first) - 1, place[order], codes.size)
    row = flat.row[place]
    once = np.ones(phrase.size, np.bool_)
    once[1:] = (phrase[1:] != phrase[:-1]) | (row[1:] != row[:-1])
    phrase, place, row = phrase[once], place[once], row[once]
    held = np.bincount(phrase[row < replies], minlength=int(first.sum()))
    kept = held[phrase] > 1
    renamed = np.cumsum(held > 1) - 1
    return Phrases(
        hashes=hashes[first][held > 1],
        lengths=size[first][held > 1],
        phrase=renamed[phrase[kept]],
        row=row[kept],
        place=place[kept],
    )


def _by_phrase(phrase: Indices, place: Indices, places: int) -> tuple[Indices, Indices]:
    """Sorted by phrase and by place within it: as single numbers, which is several times as quick as a stable sort."""
    both = phrase * places + place
    both.sort()
    return both // max(1, places), both % max(1, places)


def _come_again(hashes: Hashes) -> NDArray[np.bool_]:
    """Which share the place in a table of 2**16 with another: all that are there twice, and few others."""
    bucket = (hashes >> _BUCKET).astype(np.intp)
    return np.bincount(bucket)[bucket] > 1 if bucket.size else np.zeros(0, np.bool_)
