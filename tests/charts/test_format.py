import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.charts import format as human


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (math.nan, "nan"),
        (-math.inf, "−inf"),
        (0.0, "0"),
        (0.612, "0.612"),
        (0.03104, "0.031"),
        (284.3, "284"),
        (99.96, "100"),
        (12345.6, "12,346"),
        (1e-4, "1e-4"),
        (-12.34, "−12.3"),
        (3.2e-5, "3.2e-5"),
        (2.5e12, "2.5e12"),
    ],
)
def test_number(value: float | None, text: str) -> None:
    assert human.number(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_short_and_keeps_its_sign(value: float) -> None:
    text = human.number(value)
    assert len(text) <= 12
    if text != "0":
        assert text.startswith("−") == (value < 0)


def test_a_value_with_its_unit() -> None:
    assert human.quantity(0.142, "nat/token") == "0.142 nat/token"
    assert human.quantity(0.5, "") == "0.5"
    assert human.quantity(None, "token") == "not measured"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.12, "120 ms"),
        (1.94, "1.9 s"),
        (45, "45 s"),
        (59.7, "1 m"),
        (8040, "2 h 14 m"),
        (3599.9, "1 h"),
        (90000, "1 d 1 h"),
        (math.inf, "–"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert human.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.1, "2 s"), (7, "5 s"), (29, "10 s"), (59, "30 s"), (61, "1 min"), (4000, "1 h"), (90_000, "1 d"), (3e5, "3 d")],
)
def test_age_moves_in_coarse_steps(seconds: float, text: str) -> None:
    assert human.age(seconds) == text


def test_bytes() -> None:
    assert human.size(182 * 1024**3) == "182 GiB"
    assert human.size(512) == "512 B"
    assert human.gibibytes(int(71.2 * 1024**3)) == "71.2"
    assert human.size(None) == "–"


def test_a_share_is_never_rounded_to_none_or_all() -> None:
    assert human.percent(1e100) == "1e+102 %"
    assert [human.percent(share) for share in (None, 0, 0.0001, 0.004, 0.34, 0.9999, 1)] == [
        "–",
        "0 %",
        "< 0.1 %",
        "0.4 %",
        "34 %",
        "> 99.9 %",
        "100 %",
    ]


def test_changes_carry_their_sign() -> None:
    assert human.signed(0.084) == "+0.084"
    assert human.signed(-12.3) == "−12"
    assert human.signed(0.0) == "0"
    assert human.signed(104_585.0) == "+105k"
    assert human.signed(-2.5e6) == "−2.5M"
