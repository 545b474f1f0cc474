"""Measures on sampled text."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.analysis.generations import measure, repetition, worst_first
from rldk_tui.events import Completion, Completions


def test_repetition_is_the_share_of_repeated_four_grams() -> None:
    assert repetition(["a", "b", "c"]) is None
    assert repetition(["a", "b", "c", "d", "e"]) == 0.0
    assert repetition(["step"] * 8) == 1.0 - 1 / 5


@given(st.lists(st.sampled_from("abc"), min_size=4, max_size=60))
def test_repetition_lies_between_nothing_and_everything(words: list[str]) -> None:
    share = repetition(words)
    assert share is not None
    assert 0.0 <= share < 1.0


def test_what_nobody_could_score_comes_first_and_is_no_zero() -> None:
    rows = [
        Completion(prompt="p", completion="good", rewards={"f": 1.0}),
        Completion(prompt="p", completion="unscored", rewards={"f": None, "g": math.nan}),
        Completion(prompt="p", completion="bad", rewards={"f": -1.0, "g": None}),
    ]
    ranked = worst_first(measure(Completions(time=0.0, step=1, rows=tuple(rows))))
    assert [row.completion.completion for row in ranked] == ["unscored", "bad", "good"]
    assert [row.reward for row in ranked] == [None, -1.0, 1.0]
