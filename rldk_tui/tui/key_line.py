"""The line of keys at the foot of a screen."""

from __future__ import annotations

from collections.abc import Sequence

from rldk_tui.tui.cells import Line, Span, Tone


def key_line(keys: Sequence[tuple[str, str]]) -> Line:
    """Each key with what it does."""
    spans = [Span(" ")]
    for key, meaning in keys:
        spans += [Span(key, Tone.ACCENT), Span(f" {meaning}", Tone.DIM), Span("  ")]
    return Line(tuple(spans[:-1]))
