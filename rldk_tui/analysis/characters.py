"""What the characters of texts are: of which script, or of none that can be printed. Many texts at once, by one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

_LETTERS = 8
"""Letters below which a text is in no script: a formula, a number, a name."""
_BEGINNING = 64
"""Characters of which nearly every text has more letters than that."""
_DOMINANT = 0.6
_JAPANESE = 0.1
"""Share of kana among a text's East Asian letters from which it is Japanese."""
_AT_ONCE = 1 << 20
"""Characters that are looked at together: a few megabytes of arrays."""

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
_KANA, _HAN = _NAMES.index("Kana"), _NAMES.index("Han")
_UNPRINTABLE = ((0x00, 0x08), (0x0E, 0x1F), (0x7F, 0x9F), (0xD800, 0xDFFF), (0xFFFD, 0xFFFD))
"""Controls other than white space, halves of surrogate pairs, the replacement character."""
_OTHER, _BAD, _FIRST_SCRIPT = 0, 1, 2
_CLASSES = _FIRST_SCRIPT + len(_NAMES)
_PLAIN_WORDS = bytes(0x20 if code < 0x80 and chr(code).isspace() else 0x78 for code in range(0x100))
"""Of plain characters, white space as a space and everything else as an x."""
_PLAIN_KINDS = bytes(
    0x21
    if any(first <= code <= last for first, last in _UNPRINTABLE)
    else 0x61
    if code < 0x80 and chr(code).isalpha()
    else 0x2E
    for code in range(0x100)
)
"""Of plain characters, what cannot be printed as !, letters as an a, and everything else as a full stop."""


def unprintable_and_script(texts: Sequence[str]) -> tuple[list[int], list[str | None]]:
    """Of each text, how many characters cannot be printed, and what most of its letters belong to (None: of no script)."""
    bad = [0] * len(texts)
    scripts: list[str | None] = [None] * len(texts)
    others = []
    for index, text in enumerate(texts):
        if text.isascii():
            bad[index], scripts[index] = _plain(text.encode())
        else:
            others.append(index)
    place = 0
    for part in _parts([texts[index] for index in others]):
        counts, indices = _counts(part), others[place : place + len(part)]
        place += len(part)
        for index, unprintable, script in zip(
            indices, counts[:, _BAD].tolist(), _scripts(counts[:, _FIRST_SCRIPT:]), strict=True
        ):
            bad[index], scripts[index] = unprintable, script
    return bad, scripts


def words_in(text: str) -> int:
    """How many words between white space; of plain English several times as quick as making a list of them."""
    if not text.isascii():
        return len(text.split())
    return (b" " + text.encode().translate(_PLAIN_WORDS)).count(b" x")


def _plain(text: bytes) -> tuple[int, str | None]:
    kinds = text.translate(_PLAIN_KINDS)
    letters = kinds.count(b"a", 0, _BEGINNING)
    if letters < _LETTERS:
        letters += kinds.count(b"a", _BEGINNING)
    return kinds.count(b"!") if b"!" in kinds else 0, "Latin" if letters >= _LETTERS else None


def _parts(texts: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for text in texts:
        if part and size + len(text) > _AT_ONCE:
            yield part
            part, size = [], 0
        part.append(text)
        size += len(text)
    if part:
        yield part


def _counts(texts: list[str]) -> NDArray[np.intp]:
    """How many characters of each class each text has: shape (texts, classes)."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    place = np.repeat(np.arange(0, len(texts) * _CLASSES, _CLASSES), [len(text) for text in texts])
    place += _class_of()[codes]
    return np.bincount(place, minlength=len(texts) * _CLASSES).reshape(len(texts), _CLASSES)


@cache
def _class_of() -> NDArray[np.uint8]:
    """The class of every character there is."""
    table = np.full(0x110000, _OTHER, np.uint8)
    for first, last in _UNPRINTABLE:
        table[first : last + 1] = _BAD
    for first, last, name in _SCRIPTS:
        table[first : last + 1] = _FIRST_SCRIPT + _NAMES.index(name)
    return table


def _scripts(counts: NDArray[np.intp]) -> list[str | None]:
    letters = counts.sum(axis=1)
    japanese = counts[:, _KANA] >= _JAPANESE * (counts[:, _KANA] + counts[:, _HAN])
    counts[japanese, _KANA] += counts[japanese, _HAN]
    counts[japanese, _HAN] = 0
    most = counts.argmax(axis=1)
    dominant = (letters >= _LETTERS) & (counts.max(axis=1) >= _DOMINANT * letters)
    return [_NAMES[index] if sure else None for index, sure in zip(most.tolist(), dominant.tolist(), strict=True)]
