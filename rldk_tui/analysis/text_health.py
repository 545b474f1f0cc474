"""What can be told of one text without a model: whether it loops, what it is written in, what does not belong there.

Every measure looks at a bounded part of the text, so that no text is too long, and takes any text there is.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Container, Sequence
from dataclasses import dataclass

from rldk_tui.analysis.characters import unprintable_and_script, words_in
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
_SPECIAL = re.compile(
    r"<[|\uff5c][^|\uff5c<>\n]{1,40}[|\uff5c]>|</?s>|<(?:bos|eos|pad|unk|start_of_turn|end_of_turn)>|\[/?INST\]|<</?SYS>>"
    r"|\[(?:PAD|UNK|CLS|SEP|BOS|EOS)\]|\n\n?(?:Human|### (?:Human|Instruction|Assistant)):"
)
_SPECIAL_ENDING = re.compile(
    r"(?:\s*(?:<[|\uff5c][^|\uff5c<>\n]{1,40}[|\uff5c]>|</s>|<(?:eos|pad|end_of_turn)>|\[(?:PAD|EOS)\]))+\s*\Z"
)


@dataclass(frozen=True, slots=True)
class TextHealth:
    """What was told of a text.

    Attributes:
        words: Words, or characters in a script without spaces; the first `LONGEST` characters' worth. Empty where they were
            only counted.
        word_count: How many these are.
        loops: Whether its end repeats itself; None where that was not looked for.
        special: Whether it contains tokens of a chat template that are no text (at its very end they may stand).
        unprintable: Control characters and U+FFFD in it.
        characters: Characters looked at.
        script: What most of its letters belong to; None for a text of few letters, or of none that dominates.
    """

    words: tuple[str, ...]
    word_count: int
    loops: bool | None
    special: bool
    unprintable: int
    characters: int
    script: str | None

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it but white space."""
        return not self.word_count


def health(text: str) -> TextHealth:
    """Everything at once."""
    return healths([text])[0]


def healths(texts: Sequence[str], looked_at: Container[int] | None = None) -> list[TextHealth]:
    """The same of many texts, which is quicker.

    Args:
        texts: any text there is.
        looked_at: The places of those that are looked at closely: their words are kept and a loop is looked for; None for all.
    """
    seen = [text[:LONGEST] for text in texts]
    whole = [text.rstrip("\ufffd") for text in seen]  # a character cut in half by the length limit is no fault of the text
    return [
        _health(text, bad, len(clean), script, closely=looked_at is None or index in looked_at)
        for index, (text, clean, bad, script) in enumerate(zip(texts, whole, *unprintable_and_script(whole), strict=True))
    ]


def _health(text: str, unprintable: int, characters: int, script: str | None, *, closely: bool) -> TextHealth:
    seen = text[:LONGEST]
    words = words_of(seen) if closely or not seen.isascii() else ()
    return TextHealth(
        words=tuple(words) if closely else (),
        word_count=len(words) or words_in(seen),
        loops=_loops(text, words if len(text) <= ENDING and seen.isascii() else None) if closely else None,
        special=has_special_tokens(seen),
        unprintable=unprintable,
        characters=characters,
        script=script,
    )


def words_of(text: str) -> Sequence[str]:
    """Words between white space; the characters themselves where a script writes no spaces."""
    words = text.split()
    if len(text) > _LONGEST_WORD * max(1, len(words)) and not text.isascii():
        return "".join(words)
    return words


def loops(text: str) -> bool:
    """Whether the end of the text repeats itself: it compresses far better than prose, or most of its 4-grams come again."""
    return _loops(text, None)


def _loops(text: str, words: Sequence[str] | None) -> bool:
    """The same, where the words of the text's end may be known already."""
    end = text[-ENDING:]
    piece = end.encode("utf-8", "surrogatepass")[-PIECE:]
    if len(piece) >= _SHORTEST_PIECE and len(piece) > COMPRESSES * len(zlib.compress(piece)):
        return True
    words = end.split() if words is None else list(words)
    if len(words) < _SHORTEST_LIST or len(set(words)) - 3 >= (1.0 - REPEATS) * (len(words) - 3):
        return False  # each different word but the last three begins a different 4-gram
    return (repetition(words) or 0.0) > REPEATS


def has_special_tokens(text: str) -> bool:
    """Whether tokens of a chat template stand in it as text, other than those that end it."""
    if "<" not in text and "[" not in text and ("\n" not in text or ("\nHuman:" not in text and "\n### " not in text)):
        return False  # one of these stands in every text that `_SPECIAL` matches
    ending = _SPECIAL_ENDING.search(text, max(0, len(text) - 400))
    return _SPECIAL.search(text, 0, ending.start() if ending else len(text)) is not None
