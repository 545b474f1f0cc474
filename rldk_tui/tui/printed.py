"""Lines of cells as text for standard output: rich alone, nothing of Textual."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.console import Console
from rich.style import Style
from rich.text import Text

from rldk_tui.tui.cells import Line, Tone, cut, in_ascii

_STYLES = {
    Tone.PLAIN: Style(),
    Tone.DIM: Style(dim=True),
    Tone.STRONG: Style(bold=True),
    Tone.ACCENT: Style(color="cyan", bold=True),
    Tone.CHART: Style(color="blue"),
    Tone.GOOD: Style(color="green", bold=True),
    Tone.INFO: Style(color="blue"),
    Tone.WARNING: Style(color="yellow"),
    Tone.HIGH: Style(color="red", bold=True),
    Tone.CRITICAL: Style(color="red", bold=True, reverse=True),
}


def printed(rows: Iterable[Line], width: int, *, ascii: bool = False, color: bool = False) -> str:  # noqa: A002
    """The lines, each cut at the width, each with its line break."""
    out = io.StringIO()
    console = Console(file=out, width=width, color_system="standard" if color else None, force_terminal=color, highlight=False)
    for row in rows:
        shown = in_ascii(cut(row, width)) if ascii else cut(row, width)
        text = Text.assemble(*((span.text, _STYLES[span.tone]) for span in shown.spans))
        text.rstrip()
        console.print(text, soft_wrap=True)
    return out.getvalue()
