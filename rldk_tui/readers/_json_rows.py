"""Objects in a JSON array, as many as there are before the file is cut off."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from rldk_tui.events import Json
from rldk_tui.readers._lines import BOM

LARGEST = 1024 * 1024 * 1024
"""Bytes of a document that are read: its whole text is held while it is parsed."""
_BETWEEN = re.compile(r"[\s,]*")


def text_of(file: Path) -> str:
    """The text of a JSON document.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is larger than `LARGEST`, or a pickle under another name, which is never opened as one.
    """
    if file.stat().st_size > LARGEST:
        raise ValueError(f"it has more than {LARGEST} bytes")
    data = file.read_bytes()
    if data.startswith(b"\x80"):
        raise ValueError("it is a pickle, which is never opened: whoever made it could run code here")
    return data.removeprefix(BOM).decode("utf-8", "replace")


def whole_objects(text: str, begin: int) -> Iterator[dict[str, Json]]:
    """The objects of an array that is cut off, one after another.

    Args:
        text: JSON up to where its writer died.
        begin: Behind the array's opening bracket.
    """
    decoder = json.JSONDecoder()
    at = begin
    while True:
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        if isinstance(value, dict):
            yield value
