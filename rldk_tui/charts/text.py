"""A run's own text made harmless: what would steer a terminal or deceive the eye becomes a visible symbol.

Prompts, completions, model names and config values are written by whoever trained, or by the model. A control character,
an escape sequence, a bidirectional override or an invisible character must be seen, not obeyed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

MOST = 100_000
"""Characters looked at unless told otherwise: more than anybody scrolls through."""
_CONTROL_PICTURES = 0x2400
_DELETE, _DELETE_PICTURE = 0x7F, "␡"
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_PRESENTATION = frozenset({0xFE0E, 0xFE0F})
"""They only choose between the text and the emoji form of the character before, which terminals measure differently."""
_SUPPLEMENT_SELECTORS = range(0xE0100, 0xE01F0)


class _Visible(dict[int, str | None]):
    """A translation table that fills itself with the characters it meets."""

    def __missing__(self, code: int) -> str | None:
        shown = self[code] = _shown(code)
        return shown


def _shown(code: int) -> str | None:
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    if code == _DELETE:
        return _DELETE_PICTURE
    if code in _PRESENTATION:
        return None
    if unicodedata.category(chr(code)) in _UNSEEN or code in _SUPPLEMENT_SELECTORS:
        return f"⟨U+{code:04X}⟩"
    return " " if unicodedata.category(chr(code)) == "Zs" else chr(code)


_TABLE = _Visible()
_ONE_LINE = {"\r\n": "↵", "\n": "↵", "\t": "⇥"}
_SPACES_A_TAB = "    "


def one_line(text: str, most: int = MOST) -> str:
    """The text on one line, line breaks as ↵, at most `most` characters of it and then an ellipsis."""
    text, cut = _capped(text, most)
    if text.isascii() and text.isprintable():
        return text + cut
    for break_, sign in _ONE_LINE.items():
        text = text.replace(break_, sign)
    return _thinned(text.translate(_TABLE)) + cut


def lines(text: str, most: int = MOST) -> tuple[str, ...]:
    """The text line by line, tabs as spaces, at most `most` characters of it and then an ellipsis."""
    text, cut = _capped(text, most)
    text = text.replace("\r\n", "\n").replace("\t", _SPACES_A_TAB) + cut
    return tuple(_thinned(line.translate(_TABLE)) for line in text.split("\n"))


_MARKS = "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_FLOOD = re.compile(f"([{_MARKS}]{{3}})[{_MARKS}]+")


def _thinned(text: str) -> str:
    """No more than three combining marks on a character: a flood of them is drawn over the lines above and below."""
    return text if text.isascii() else _FLOOD.sub(r"\1", text)


def _capped(text: str, most: int) -> tuple[str, str]:
    return (text, "") if len(text) <= most else (text[:most], "…")


_ASCII = str.maketrans(
    {
        **dict.fromkeys("–—−─━", "-"),
        **dict.fromkeys("│┃║", "|"),
        **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯", "+"),
        **dict.fromkeys("·•", "."),
        **dict.fromkeys("✖×", "x"),
        **dict.fromkeys("“”„", '"'),
        **dict.fromkeys("‘’", "'"),
        "…": "~",
        "→": ">",
        "←": "<",
        "↑": "^",
        "↓": "v",
        "▲": "^",
        "▼": "v",
        "●": "*",
        "○": "o",
        "✂": "%",
        "≤": "<",
        "≥": ">",
        "⏎": "E",
        "↵": "/",
        "⇥": " ",
        "°": " ",
        "²": "2",
        "▸": ">",
        "█": "#",
        "░": ".",
    }
)
"""One character for one, so that what was aligned stays aligned."""


def to_ascii(text: str, width: Callable[[str], int]) -> str:
    """The text in ASCII alone; a character without a likeness becomes as many `?` as it is cells wide."""
    if text.isascii():
        return text
    return "".join(char if char.isascii() else "?" * width(char) for char in text.translate(_ASCII))
