import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.charts.glyphs import ASCII, BLOCK, BRAILLE, Glyphs
from rldk_tui.charts.growing import Shape, shape_of
from rldk_tui.charts.sparkline import sparkline


def series(*values: float | None) -> Shape:
    plain = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return shape_of(np.arange(plain.size), plain, np.array([value is None for value in values], dtype=bool))


def test_a_ramp_climbs() -> None:
    assert sparkline(series(*range(8)), 8, BLOCK).text == "▁▂▃▄▅▆▇█"
    assert sparkline(series(*range(8)), 8, ASCII).text == "_.-~=+*#"


def test_a_flat_series_is_flat() -> None:
    assert sparkline(series(0.25, 0.25, 0.25), 10, BLOCK).text == "▁▁▁"


def test_what_is_no_number_is_marked_at_its_place() -> None:
    assert sparkline(series(1, 1, np.nan, 1, None, np.inf), 6, BLOCK).text == "▁▁×▁○×"
    assert sparkline(series(1, 1, np.nan, 1, None, np.inf), 6, ASCII).text == "__x_ox"


def test_a_spike_of_one_log_survives_a_long_run() -> None:
    values = np.zeros(10_000)
    values[4_321] = 5.0
    assert sparkline(series(*values), 20, BLOCK).text.count("█") == 1


def test_braille_draws_two_logs_a_cell() -> None:
    drawn = sparkline(series(0, 1, 1, 0), 10, BRAILLE)
    assert len(drawn.text) == 2
    assert drawn.last_steps.tolist() == [1, 3]


@pytest.mark.parametrize("glyphs", [BLOCK, BRAILLE, ASCII])
@given(
    values=st.lists(st.one_of(st.none(), st.floats()), max_size=60),
    width=st.integers(0, 40),
)
def test_any_series_fits(glyphs: Glyphs, values: list[float | None], width: int) -> None:
    drawn = sparkline(series(*values), width, glyphs)
    assert len(drawn.text) == len(drawn.last_steps) <= width
    assert " " not in drawn.text
    if values and width:
        odd = any(value is None or not np.isfinite(value) for value in values)
        assert odd == any(mark in drawn.text for mark in (glyphs.not_finite, glyphs.no_value))


def test_the_largest_numbers_there_are_still_have_a_shape() -> None:
    assert sparkline(series(1.7e308, -1.7e308, 1.7e308, 1.7e308), 4, BLOCK).text == "█▁██"
