"""What can be told of one text without a model: whether it loops, what it is written in, what does not belong there.

Every measure looks at a bounded part of the text, so that no text is too long, and takes any text there is.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.analysis.generations import repetition

LONGEST = 16_384
"""Characters of a text that are looked at; where a loop is looked for, these are its last `ENDING`."""
ENDING = 4_096
PIECE = 1_024
"""Bytes compressed at once: the limit of `COMPRESSES` was set on pieces of that size, and long prose reaches it by itself."""
COMPRESSES = 2.4
"""Bytes to compressed bytes beyond which a text loops, from 200 bytes on: Whisper's `compression_ratio_threshold`."""
REPEATS = 0.5
"""Share of repeated 4-grams of words beyond which a text loops, from eight words on."""
_SHORTEST_PIECE = 200
_SHORTEST_LIST = 8
_LONGEST_WORD = 20
"""Characters a word beyond which the text is in a script that writes no spaces, and its characters are its words."""
_LETTERS = 8
"""Letters below which a text is in no script: a formula, a number, a name."""
_DOMINANT = 0.6
_JAPANESE = 0.1
"""Share of kana among a text's East Asian letters from which it is Japanese."""

_SPECIAL = re.compile(
    r"<[|\uff5c][^|\uff5c<>\n]{1,40}[|\uff5c]>|</?s>|<(?:bos|eos|pad|unk|start_of_turn|end_of_turn)>|\[/?INST\]|<</?SYS>>"
    r"|\[(?:PAD|UNK|CLS|SEP|BOS|EOS)\]|\n\n?(?:Human|### (?:Human|Instruction|Assistant)):"
)
_SPECIAL_ENDING = re.compile(
    r"(?:\s*(?:<[|\uff5c][^|\uff5c<>\n]{1,40}[|\uff5c]>|</s>|<(?:eos|pad|end_of_turn)>|\[(?:PAD|EOS)\]))+\s*\Z"
)

_SCRIPTS: tuple[tuple[int, int, str], ...] = (
    (0x41, 0x5A, "Latin"), (0x61, 0x7A, "Latin"), (0xC0, 0x24F, "Latin"), (0x370, 0x3FF, "Greek"), (0x400, 0x52F, "Cyrillic"),
    (0x530, 0x58F, "Armenian"), (0x590, 0x5FF, "Hebrew"), (0x600, 0x6FF, "Arabic"), (0x750, 0x77F, "Arabic"),
    (0x900, 0x97F, "Devanagari"), (0x980, 0x9FF, "Bengali"), (0xA00, 0xA7F, "Gurmukhi"), (0xA80, 0xAFF, "Gujarati"),
    (0xB80, 0xBFF, "Tamil"), (0xC00, 0xC7F, "Telugu"), (0xC80, 0xCFF, "Kannada"), (0xD00, 0xD7F, "Malayalam"),
    (0xD80, 0xDFF, "Sinhala"), (0xE00, 0xE7F, "Thai"), (0xE80, 0xEFF, "Lao"), (0x1000, 0x109F, "Burmese"),
    (0x10A0, 0x10FF, "Georgian"), (0x1100, 0x11FF, "Hangul"), (0x1200, 0x137F, "Ethiopic"), (0x1780, 0x17FF, "Khmer"),
    (0x1E00, 0x1EFF, "Latin"), (0x3040, 0x30FF, "Kana"), (0x3400, 0x4DBF, "Han"), (0x4E00, 0x9FFF, "Han"),
    (0xAC00, 0xD7AF, "Hangul"), (0xF900, 0xFAFF, "Han"), (0x20000, 0x323AF, "Han"),
)  # fmt: skip
_NAMES = tuple(dict.fromkeys(name for _, _, name in _SCRIPTS))
_STARTS = np.array([first for first, _, _ in _SCRIPTS], np.uint32)
_ENDS = np.array([last for _, last, _ in _SCRIPTS], np.uint32)
_SCRIPT_OF = np.array([_NAMES.index(name) for _, _, name in _SCRIPTS])
_KANA, _HAN = _NAMES.index("Kana"), _NAMES.index("Han")

Codes = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class TextHealth:
    """What was told of a text.

    Attributes:
        words: Words, or characters in a script without spaces; the first `LONGEST` characters' worth.
        loops: Whether its end repeats itself.
        special: Whether it contains tokens of a chat template that are no text (at its very end they may stand).
        unprintable: Control characters and U+FFFD in it.
        characters: Characters looked at.
        script: What most of its letters belong to; None for a text of few letters, or of none that dominates.
    """

    words: tuple[str, ...]
    loops: bool
    special: bool
    unprintable: int
    characters: int
    script: str | None

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it but white space."""
        return not self.words


def health(text: str) -> TextHealth:
    """Everything at once."""
    seen = text[:LONGEST]
    codes = code_points(seen.rstrip("\ufffd"))  # a character cut in half by the length limit is no fault of the text
    return TextHealth(
        words=words_of(seen),
        loops=loops(text),
        special=has_special_tokens(seen),
        unprintable=unprintable(codes),
        characters=int(codes.size),
        script=script(codes),
    )


def code_points(text: str) -> Codes:
    """Its characters as numbers."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def words_of(text: str) -> tuple[str, ...]:
    """Words between white space; the characters themselves where a script writes no spaces."""
    words = text.split()
    if len(text) > _LONGEST_WORD * max(1, len(words)) and not text.isascii():
        return tuple("".join(words))
    return tuple(words)


def loops(text: str) -> bool:
    """Whether the end of the text repeats itself: it compresses far better than prose, or most of its 4-grams come again."""
    end = text[-ENDING:]
    piece = end.encode("utf-8", "surrogatepass")[-PIECE:]
    if len(piece) >= _SHORTEST_PIECE and len(piece) > COMPRESSES * len(zlib.compress(piece)):
        return True
    words = end.split()
    return len(words) >= _SHORTEST_LIST and (repetition(words) or 0.0) > REPEATS


def has_special_tokens(text: str) -> bool:
    """Whether tokens of a chat template stand in it as text, other than those that end it."""
    if "<" not in text and "[" not in text and "\n" not in text:
        return False
    ending = _SPECIAL_ENDING.search(text, max(0, len(text) - 400))
    return _SPECIAL.search(text, 0, ending.start() if ending else len(text)) is not None


def unprintable(codes: Codes) -> int:
    """Control characters other than white space, replacement characters, halves of surrogate pairs."""
    low = (codes < 32) & ~((codes >= 9) & (codes <= 13))
    return int(np.count_nonzero(low | ((codes >= 0x7F) & (codes < 0xA0)) | (codes == 0xFFFD) | (codes - 0xD800 < 0x800)))


def script(codes: Codes) -> str | None:
    """What most of the letters belong to."""
    place = np.searchsorted(_STARTS, codes, side="right") - 1
    letters = place[(place >= 0) & (codes <= _ENDS[place])]
    if letters.size < _LETTERS:
        return None
    counts = np.bincount(_SCRIPT_OF[letters], minlength=len(_NAMES))
    if counts[_KANA] >= _JAPANESE * (counts[_KANA] + counts[_HAN]):
        counts[_KANA] += counts[_HAN]
        counts[_HAN] = 0
    most = int(np.argmax(counts))
    return _NAMES[most] if counts[most] >= _DOMINANT * letters.size else None
