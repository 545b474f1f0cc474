"""Conditions over generations: what they are true of, and what is said where they cannot be read."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.summary.generations.condition import ConditionError, condition
from rldk_tui.summary.generations.fields import Fields

TABLE = pl.DataFrame(
    {
        "step": [1, 2, 3, 4],
        "reward": [0.0, 0.5, math.nan, None],
        "rewards/exact match": [0.0, 1.0, 1.0, None],
        "rewards/format": [1.0, 0.0, 1.0, 0.0],
        "truncated": [True, False, None, True],
        "completion": ["I'm sorry, no", "a b c d a b c d a b c d", "日本語", ""],
    },
    strict=False,
)
FIELDS = Fields(TABLE.collect_schema())


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("reward < 0.1 and truncated", [1]),
        ("reward >= 0", [1, 2]),
        ("not (reward > 0.1)", [1]),
        ("reward is null", [3, 4]),
        ("isnan(reward)", [3]),
        ("truncated is not null and not truncated", [2]),
        ("truncated = true or step = 3", [1, 3, 4]),
        ("step in (1, 4)", [1, 4]),
        ("step not in (1, 4)", [2, 3]),
        ("rewards.format - 1 = 0", [1, 3]),
        ('"rewards/exact match" = 1', [2, 3]),
        ("format > .5", [1, 3]),
        ("contains(completion, 'I''m')", [1]),
        ("matches(completion, '(?i)SORRY|語$')", [1, 3]),
        ("startswith(completion, 'a') or endswith(completion, 'no')", [1, 2]),
        ("characters = 3", [3]),
        ("words > 3 and repetition > 0.5", [2]),
        ("completion = ''", [4]),
        ("abs(step - 3) <= 1", [2, 3, 4]),
        ("-step < -3", [4]),
        ("step % 2 = 0", [2, 4]),
        ("1 / (step - 1) > 100", [1]),
        ("AND_NOT > 1 or step > 0", None),
    ],
)
def test_what_it_is_true_of(text: str, steps: list[int] | None) -> None:
    if steps is None:
        with pytest.raises(ConditionError):
            condition(text, FIELDS)
        return
    assert TABLE.filter(condition(text, FIELDS))["step"].to_list() == steps


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("", 0, "the end"),
        ("reward <", 8, "the end"),
        ("reward = 0.1 andd truncated", 13, "andd"),
        ("rewrd > 1", 0, "near: reward"),
        ("reward > 'a'", 9, "a number is compared with a text"),
        ("reward", 0, "compare something"),
        ("(reward > 1", 11, "')'"),
        ("truncated > true", 10, "larger or smaller"),
        ("system('rm') = 1", 0, "there is no function"),
        ("contains(reward, '1')", 9, "looks into a text"),
        ("matches(completion, '(')", 20, "unclosed group"),
        ("matches(completion, 'a{1000}{1000}')", 20, "size limit"),
        ("completion = 'x", 13, "does not end"),
        ("step & 1 = 0", 5, "means nothing"),
        ("1x > 0", 0, "begins like this"),
        ("(" * 30 + "1 = 1", 20, "brackets"),
        ("step = 1 " * 200, 1000, "1000 characters"),
    ],
)
def test_where_it_is_wrong(text: str, at: int, said: str) -> None:
    with pytest.raises(ConditionError, match=r".") as failure:
        condition(text, FIELDS)
    assert failure.value.at == at
    assert said in failure.value.said


@given(st.text(alphabet="rewardstp .<>=()'\"+-*/%,0123456789andotinulmchs\x00\u202e", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    at = 0
    try:
        assert TABLE.filter(condition(text, FIELDS)).height <= TABLE.height
    except ConditionError as failure:
        at = failure.at
    assert 0 <= at <= len(text)
