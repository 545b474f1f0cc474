"""Texts of a run that are shown in part."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """The beginning of a text and how many characters follow."""

    shown: str
    more: int


def beginning(text: str, most: int) -> Text:
    """The first `most` characters."""
    return Text(text[:most], max(0, len(text) - most))
