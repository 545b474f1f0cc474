"""Texts of a run as a page shows them: in part, or as one line."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

from rldk_tui.events import Json, strict

LONGEST_VALUE = 300
"""Characters of a setting that are shown."""


@dataclass(frozen=True, slots=True)
class Text:
    """The beginning of a text and how many characters follow."""

    shown: str
    more: int


def beginning(text: str, most: int) -> Text:
    """The first `most` characters."""
    return Text(text[:most], max(0, len(text) - most))


def written(value: Json) -> str:
    """A value of a configuration as a page shows it: as in JSON, a text without its quotes, cut where it is long."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:g}"
    text = value if isinstance(value, str) else json.dumps(strict(value), ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
