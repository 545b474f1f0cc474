import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.charts.glyphs import ASCII, BLOCK, BRAILLE, Glyphs
from rldk_tui.charts.growing import shape_of
from rldk_tui.charts.plot import plot


def test_the_limit_is_in_the_picture_with_its_label() -> None:
    shape = shape_of(np.arange(4) * 10, np.array([0.0, 1.0, 2.0, 3.0]), np.zeros(4, bool))
    rows = plot(shape, 8, 4, ASCII, limit=1.0)
    assert [(row.label, row.cells) for row in rows] == [
        ("3", "      ##"),
        ("", "    ##  "),
        ("1", "--##----"),
        ("0", "##      "),
        ("", "0     30"),
    ]
    assert [row.limit for row in rows] == [False, False, True, False, False]


def test_a_jump_is_joined() -> None:
    shape = shape_of(np.arange(2), np.array([0.0, 3.0]), np.zeros(2, bool))
    assert [row.cells for row in plot(shape, 2, 4, BLOCK)] == [" █", " █", " █", "█ ", "01"]


@pytest.mark.parametrize("glyphs", [BLOCK, BRAILLE, ASCII])
@given(
    values=st.lists(st.floats(), max_size=50),
    size=st.tuples(st.integers(0, 40), st.integers(0, 10)),
    limit=st.one_of(st.none(), st.floats()),
)
def test_any_series_fits(glyphs: Glyphs, values: list[float], size: tuple[int, int], limit: float | None) -> None:
    shape = shape_of(np.arange(len(values)), np.array(values, dtype=np.float64), np.zeros(len(values), bool))
    rows = plot(shape, *size, glyphs, limit)
    assert len(rows) in {0, size[1] + 1}
    assert all(len(row.cells) == size[0] for row in rows)
