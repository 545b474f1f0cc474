"""Colours: dark, light, two that colour-blind eyes can tell apart, and the terminal's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.theme import Theme

if TYPE_CHECKING:
    from textual.app import App

THEMES = ("textual-dark", "textual-light", "rldk-okabe-dark", "rldk-okabe-light", "ansi-dark", "ansi-light")
"""In the order in which `t` goes through them."""

# The palette of Okabe and Ito, "Color Universal Design" (2008): told apart with any common colour deficiency.
_BLUE, _SKY, _ORANGE, _VERMILION, _GREEN, _YELLOW = "#0072B2", "#56B4E9", "#E69F00", "#D55E00", "#009E73", "#F0E442"


def register_themes(app: App[Any]) -> None:
    """Make them known to the app."""
    app.register_theme(
        Theme(
            name="rldk-okabe-dark",
            primary=_SKY,
            secondary=_YELLOW,
            accent=_SKY,
            warning=_ORANGE,
            error=_VERMILION,
            success=_GREEN,
            foreground="#E8E8E8",
            background="#121212",
            surface="#1E1E1E",
            panel="#262626",
            dark=True,
        )
    )
    app.register_theme(
        Theme(
            name="rldk-okabe-light",
            primary=_BLUE,
            secondary="#4B4B4B",
            accent=_BLUE,
            warning="#8A5A00",
            error="#A33C00",
            success="#00664A",
            foreground="#1A1A1A",
            background="#FAFAFA",
            surface="#F0F0F0",
            panel="#E4E4E4",
            dark=False,
        )
    )
