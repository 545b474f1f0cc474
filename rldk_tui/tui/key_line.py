"""The line of keys at the foot of a screen."""

from __future__ import annotations

from collections.abc import Sequence

from rldk_tui.tui.cells import Line, Span, Tone


def key_line(keys: Sequence[tuple[str, str]], width: int | None = None) -> Line:
    """Each key with what it does; in so many cells as many of the first ones as there is room for, and help always."""
    shown = list(keys)
    while width is not None and len(shown) > 1 and _written(shown).width > width:
        shown.pop(-2 if shown[-1][0] == "?" else -1)
    return _written(shown)


def _written(keys: Sequence[tuple[str, str]]) -> Line:
    spans = [Span(" ")]
    for key, meaning in keys:
        spans += [Span(key, Tone.ACCENT), Span(f" {meaning}", Tone.DIM), Span("  ")]
    return Line(tuple(spans[:-1]))
