"""What a chart is drawn with: blocks, braille dots or plain ASCII."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.growing import NO_VALUE, NOT_FINITE


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs.

    Attributes:
        levels: From the lowest to the highest.
        not_finite: The mark of a NaN or an infinity.
        no_value: The mark of a None.
        dashed: A piece of the limit's line.
        dots: Whether a cell holds 2 × 4 dots (braille) instead of one level.
    """

    levels: str
    not_finite: str
    no_value: str
    dashed: str
    dots: bool = False

    @property
    def across(self) -> int:
        """Columns a cell holds."""
        return 2 if self.dots else 1

    @property
    def down(self) -> int:
        """Rows a cell holds in a plot."""
        return 4 if self.dots else 1

    def mark(self, marks: int) -> str:
        """The sign for what else than finite numbers a cell stands for; "" if it is nothing else."""
        if marks & NOT_FINITE:
            return self.not_finite
        return self.no_value if marks & NO_VALUE else ""


BLOCK = Glyphs("▁▂▃▄▅▆▇█", "×", "○", "┄")
BRAILLE = Glyphs("⡀⠄⠂⠁", "×", "○", "┄", dots=True)
ASCII = Glyphs("_.-~=+*#", "x", "o", "-")

_BLANK = 0x2800
_BITS = np.array([[0x40, 0x80], [0x04, 0x20], [0x02, 0x10], [0x01, 0x08]])
"""The bit of each dot: by row from the lowest up, and by column."""


def dotted(lit: NDArray[np.bool_]) -> str:
    """The braille cell with these dots; shape (4, 1 or 2), lowest row first."""
    bits = int(_BITS[:, : lit.shape[1]][lit].sum())
    return chr(_BLANK + bits) if bits else " "
