"""Facts of a launch."""

from __future__ import annotations

import math

import pytest

from rldk_tui.run import RunInfo


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308, 10**400, True, "8", None, [8], {}])
def test_what_cannot_be_reckoned_with_is_no_setting(value: object) -> None:
    assert RunInfo(config={"logging_steps": value}).setting("logging_steps") is None


@pytest.mark.parametrize("value", [0, -1, 8, 1e-8, 1e9])
def test_a_number_is(value: float) -> None:
    assert RunInfo(config={"logging_steps": value}).setting("logging_steps") == value
