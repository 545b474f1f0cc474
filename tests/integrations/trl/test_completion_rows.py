"""Generations as rows: readable, bounded, and without a word of text where none is wanted."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.events import Phase
from rldk_tui.events.conversation import as_text
from rldk_tui.events.wire import decode_line, encode_line
from rldk_tui.integrations.trl.completion_rows import Batch, Bounds, completions_of, cut, marks


def batch(prompts: list[Any], completions: list[Any], **more: Any) -> Batch:
    return Batch(time=1.0, step=3, phase=Phase.TRAIN, prompts=prompts, completions=completions, **more)


def test_a_conversation_is_one_line_a_turn() -> None:
    turns = [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "what is it?"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "look", "arguments": {"at": 1}}}]},
        {"role": "tool", "content": "a cow"},
    ]
    assert as_text(turns) == "user: [image]what is it?\nassistant: look({'at': 1})\ntool: a cow"
    others: list[Any] = ["plain", None, 7, ()]
    assert [as_text(value) for value in others] == ["plain", "", "7", ""]


_JSON = st.recursive(
    st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("role"), inner)
)


@given(prompt=_JSON, completion=_JSON, reward=st.none() | st.floats() | st.text(), with_text=st.booleans())
def test_whatever_a_dataset_holds_becomes_a_row_that_can_be_written(
    prompt: Any, completion: Any, reward: Any, with_text: bool
) -> None:
    mark = None if with_text else marks(b"key")
    event = completions_of(batch([prompt], [completion], rewards={"f": [reward]}, advantages=[]), Bounds(), mark)
    assert decode_line(encode_line(event)).rows[0].advantage is None  # type: ignore[union-attr]


@given(text=st.text(max_size=300), other=st.text(max_size=300), longest=st.integers(8, 100))
def test_a_cut_text_keeps_both_ends_tells_what_is_gone_and_stays_apart_from_others(text: str, other: str, longest: int) -> None:
    shown = cut(text, longest)
    if len(text) <= longest:
        assert shown == text
        return
    assert f"{len(text) - longest} characters left out" in shown
    assert shown.startswith(text[: int(longest * 0.75)])
    assert shown.endswith(text[len(text) - longest + int(longest * 0.75) :])
    assert (cut(other, longest) == shown) == (other == text)


def test_rows_beyond_the_bound_are_counted() -> None:
    event = completions_of(batch(["p"] * 5, list("abcde"), left_out=2), Bounds(rows=3), None)
    assert ([row.completion for row in event.rows], event.left_out) == (["a", "b", "c"], 4)


def test_nothing_scored_not_a_number_and_no_number_stay_three_things() -> None:
    rewards = {"f": [None, math.nan, "good", 0.5]}
    given_ = [row.rewards["f"] for row in completions_of(batch(["p"] * 4, list("abcd"), rewards=rewards), Bounds(), None).rows]
    assert given_[0] is None
    assert [math.isnan(value or 0.0) for value in given_[1:]] == [True, True, False]


def test_a_mark_knows_the_same_text_again_and_nobody_without_the_key_can_guess_it() -> None:
    mark, other = marks(b"one"), marks(b"two")
    assert mark("a prompt") == mark("a prompt") != mark("another")
    assert mark("a prompt") != other("a prompt")
    event = completions_of(batch(["a prompt"] * 2, ["x", "y"], lengths=[1, 1]), Bounds(), mark)
    assert event.without_text
    assert len({row.prompt for row in event.rows}) == 1
    assert len({row.completion for row in event.rows}) == 2
