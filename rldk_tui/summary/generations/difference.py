"""Two texts against each other, word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

MOST = 1500
"""Words of a text that are compared: the time grows with their square."""
_PIECES = re.compile(r"\S+|\s+")


class Change(StrEnum):
    """What became of a part."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Part:
    """Words that share a fate, white space as it stood."""

    change: Change
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of a text.

    Attributes:
        parts: In reading order; what was removed before what took its place.
        likeness: 1 for the same words in the same order, 0 if they share none.
        left_out: Words of either text that were too far back to be compared.
    """

    parts: tuple[Part, ...]
    likeness: float
    left_out: int


def difference(before: str, after: str) -> Difference:
    """The words that went, came and stayed."""
    old, new = _words(before), _words(after)
    bare_old, bare_new = ([word.split()[0] for word in words[:MOST]] for words in (old, new))
    matcher = SequenceMatcher(None, bare_old, bare_new, autojunk=False)
    parts = []
    for tag, old_first, old_last, new_first, new_last in matcher.get_opcodes():
        if tag == "equal":
            parts.append(Part(Change.SAME, "".join(new[new_first:new_last])))
            continue
        if old_last > old_first:
            parts.append(Part(Change.REMOVED, "".join(old[old_first:old_last])))
        if new_last > new_first:
            parts.append(Part(Change.ADDED, "".join(new[new_first:new_last])))
    return Difference(tuple(parts), matcher.ratio(), max(0, len(old) - MOST) + max(0, len(new) - MOST))


def _words(text: str) -> list[str]:
    """Each word with the white space after it."""
    words: list[str] = []
    for piece in _PIECES.findall(text.lstrip()):
        if piece.isspace():
            words[-1] += piece
        else:
            words.append(piece)
    return words
