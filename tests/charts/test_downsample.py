import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.charts.downsample import downsample

FINITE, NULL, NONFINITE = 1, 2, 3
SERIES = st.lists(
    st.one_of(
        st.floats(allow_nan=False, allow_infinity=False).map(lambda value: (value, FINITE)),
        st.sampled_from([(np.nan, NONFINITE), (np.inf, NONFINITE), (-np.inf, NONFINITE), (np.nan, NULL)]),
    ),
    max_size=300,
)


@given(series=SERIES, most=st.integers(10, 120))
def test_extremes_and_marks_are_kept_in_at_most_so_many_points(series: list[tuple[float, int]], most: int) -> None:
    values = np.array([value for value, _ in series], dtype=np.float64)
    kinds = np.array([kind for _, kind in series], dtype=np.uint8)
    steps = np.arange(values.size, dtype=np.int64) * 5
    points = downsample(steps, values, kinds, most)
    assert len(points) <= most
    assert np.all(np.diff(points.steps) > 0)
    assert np.array_equal(points.values, values[points.steps // 5], equal_nan=True)
    finite = np.isfinite(values)
    if finite.any():
        assert np.nanmin(points.values[points.kinds == FINITE]) == values[finite].min()
        assert np.nanmax(points.values[points.kinds == FINITE]) == values[finite].max()
    assert set(points.kinds) == set(kinds)
    if series:
        assert points.steps[0] == 0
        assert points.steps[-1] == steps[-1]


def test_a_single_nan_in_a_long_run_stays_at_its_step() -> None:
    values = np.zeros(100_000)
    values[77_777] = np.nan
    kinds = np.where(np.isnan(values), NONFINITE, FINITE).astype(np.uint8)
    points = downsample(np.arange(100_000), values, kinds, 200)
    assert points.steps[np.isnan(points.values)].tolist() == [77_777]


def test_too_few_points_for_what_must_be_shown_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot show"):
        downsample(np.arange(9), np.arange(9.0), np.ones(9, np.uint8), 3)
