"""Line charts as SVG."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.charts.line_chart import Beside, LineChart, Shade
from rldk_tui.charts.scale import Scale, scale_of, ticks
from rldk_tui.charts.svg import line_chart

SVG = "{http://www.w3.org/2000/svg}"


def chart(*values: float | None, **more: object) -> LineChart:
    steps = tuple(range(1, len(values) + 1))
    facts: dict[str, object] = {"first": 1, "last": max(2, len(values)), **more}
    return LineChart(label="a chart", unit="nat", steps=steps, values=values, **facts)  # type: ignore[arg-type]


def drawn(it: LineChart, *, readings: bool = False) -> ElementTree.Element:
    return ElementTree.fromstring(line_chart(it, 280, 104, readings=readings))  # noqa: S314 - drawn a moment ago


def of_class(picture: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [element for element in picture.iter() if name in element.get("class", "").split()]


def test_the_line_breaks_where_a_value_is_no_number() -> None:
    picture = drawn(chart(1.0, 2.0, math.nan, 3.0, None, 2.0, 1.0))
    (path,) = of_class(picture, "line")
    assert path.get("d", "").count("M") == 2
    assert len(of_class(picture, "dot")) == 1, "a value between two others that are no numbers is a dot"


def test_the_course_of_a_dense_series_is_drawn_over_it() -> None:
    pale, course = of_class(drawn(chart(*range(9), middle=((2, 1.0), (5, 4.0), (8, 7.0)))), "line")
    assert "pale" in pale.get("class", "")
    assert course.get("d", "").count("L") == 2


def test_none_and_not_finite_are_marked_apart_and_say_their_step() -> None:
    picture = drawn(chart(1.0, math.nan, None, math.inf, 2.0))
    assert [element[0].text for element in of_class(picture, "not-finite")] == ["nan at step 2", "inf at step 4"]
    assert [element[0].text for element in of_class(picture, "none")] == ["None at step 3"]


def test_the_limit_is_in_the_picture_however_far_it_is() -> None:
    picture = drawn(chart(0.1, 0.2, limit=50.0))
    (path,) = of_class(picture, "limit")
    height = float(re.findall(r"M42 ([\d.]+)", path.get("d", ""))[0])
    assert 0 < height < 104
    assert any("limit 50" in (text.text or "") for text in picture.iter(f"{SVG}text"))


def test_an_episode_is_shaded_and_says_what_it_is() -> None:
    picture = drawn(chart(*range(10), shades=(Shade(3, 6, "high", "high: <kl>"),)))
    assert [title.text for title in picture.iter(f"{SVG}title")] == ["high: <kl>"]
    assert len(of_class(picture, "shade")) == 1


def test_the_band_is_cut_to_the_axis() -> None:
    (band,) = of_class(drawn(chart(0.1, 0.2, band=(0.0, 50.0))), "band")
    assert float(band.get("y", "-1")) >= 0
    assert float(band.get("height", "-1")) > 0
    assert not of_class(drawn(chart(5.0, 6.0, band=(0.0, 1.0))), "band")


def test_the_numbers_are_in_it_when_asked() -> None:
    assert "data-" not in line_chart(chart(1.0, 2.0), 280, 104)
    picture = drawn(chart(1.0, math.nan, None, 12_345.6, -2.5e-7), readings=True)
    (line,) = of_class(picture, "line")
    assert line.get("data-steps") == "1 1 1 1 1", "each as its distance from the one before"
    assert line.get("data-values") == "1 nan None 12,346 −2.5e-7"
    assert picture.get("data-axis") == "1 5"
    assert picture.get("data-unit") == "nat"


def test_lines_beside_each_other_have_names() -> None:
    picture = drawn(chart(1.0, 2.0, name="mine", beside=(Beside("<yours>", (1, 2), (3.0, 4.0)),)), readings=True)
    assert {line.get("data-name") for line in of_class(picture, "line")} == {"mine", "<yours>"}


@given(
    st.lists(st.none() | st.floats(), max_size=40),
    st.none() | st.floats(),
    st.none() | st.tuples(st.none() | st.floats(allow_nan=False), st.none() | st.floats(allow_nan=False)),
    st.text(max_size=20).filter(lambda text: text.isprintable()),
)
def test_any_numbers_make_a_whole_picture(
    values: list[float | None], limit: float | None, band: tuple[float | None, float | None] | None, label: str
) -> None:
    it = chart(*values, limit=limit, band=band, shades=(Shade(-5, 99, label, label),))
    text = line_chart(it, 280, 104, readings=True)
    ElementTree.fromstring(text)  # noqa: S314 - drawn a moment ago
    numbers = re.sub(r"<title>.*?</title>|<text.*?</text>|aria-label=\".*?\"|class=\".*?\"|data-values=\".*?\"", "", text)
    assert "nan" not in numbers
    assert "inf" not in numbers


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20))
def test_a_scale_holds_its_values_and_has_round_numbers(values: list[float]) -> None:
    scale = scale_of(values)
    assert scale.low < scale.high
    assert all(-1e-9 <= scale.share(value) <= 1 + 1e-9 for value in values)
    marks = ticks(scale, 2)
    assert 2 <= len(marks) <= 12


@pytest.mark.parametrize(
    ("low", "high", "least", "expected"),
    [(0.0, 1.0, 2, (0.0, 1.0)), (0.0, 120.0, 3, (0.0, 50.0, 100.0)), (0.61, 0.93, 2, (0.8, 0.9)), (-6.0, 0.5, 2, (-5.0, 0.0))],
)
def test_ticks_are_round(low: float, high: float, least: int, expected: tuple[float, ...]) -> None:
    found = ticks(Scale(low, high), least)
    assert set(expected) <= {round(value, 9) for value in found}
