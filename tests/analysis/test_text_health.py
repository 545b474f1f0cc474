"""What is told of one text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.analysis.characters import unprintable_and_script, words_in
from rldk_tui.analysis.text_health import LONGEST, health, healths
from rldk_tui.diagnosis.catalogue import load_rules

PROSE = (
    "The harbour lay still that morning, and nobody had yet come down to the boats. A gull walked along the wall, looked at "
    "each rope in turn, and left. Far out a ferry sounded its horn twice; the sound came back from the cliffs much later."
)


@pytest.mark.parametrize(
    ("text", "loops"),
    [
        (PROSE, False),
        ("moss " * 24, True),
        ("I see. " * 60, True),
        (PROSE + " and so on" * 120, True),
        ("yes yes yes", False),
        ("的" * 400, True),
        ("", False),
    ],
)
def test_a_text_loops_when_its_end_repeats_itself(text: str, loops: bool) -> None:
    assert health(text).loops is loops


def test_long_prose_loops_no_more_than_short_prose() -> None:
    prose = "\n".join(rule.manual for rule in load_rules())
    assert not any(health(prose[:end]).loops for end in range(1000, len(prose), 1000))


@pytest.mark.parametrize(
    ("text", "leaks"),
    [
        ("Fine.<|im_end|>", False),
        ("Fine.<|im_end|>\n<|endoftext|><|endoftext|>", False),
        ("Fine.<|im_end|>\n<|im_start|>user\nMore", True),
        ("[INST] again [/INST]", True),
        ("Yes.\n\nHuman: next", True),
        ("a < b, c | d > e, list[0], <b>bold</b>", False),
    ],
)
def test_template_tokens_may_end_a_text_and_nothing_else(text: str, leaks: bool) -> None:
    assert health(text).special is leaks


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Was ist das für ein schönes Haus?", "Latin"),
        ("Что это за красивый дом?", "Cyrillic"),
        ("这是一个非常漂亮的大房子吗", "Han"),
        ("これはとても美しい家ですか", "Kana"),
        ("東京都庁舎は新宿区にある建物です", "Kana"),
        ("Half of it и половина", None),
        ("x = 4", None),
        ("12 + 30 = 42 !!! 😀😀😀😀😀😀😀😀😀", None),
    ],
)
def test_the_script_is_what_most_letters_belong_to(text: str, script: str | None) -> None:
    assert health(text).script == script


def test_a_character_cut_in_half_at_the_end_is_printable_enough() -> None:
    assert health("a\tb\nc\ufffd").unprintable == 0
    assert health("a\ufffdb\x00\x85\ud800c").unprintable == 4


def test_words_are_characters_where_no_spaces_are_written() -> None:
    assert len(health("这是一个非常漂亮的大房子这是一个非常漂亮的大房子吗").words) == 25
    assert len(health("one two").words) == 2
    assert len(health("https://example.org/a/very/long/address").words) == 1


@given(st.text(st.characters(exclude_categories=()), max_size=200), st.sampled_from([1, 7, 20_000]))
def test_any_text_is_measured(text: str, times: int) -> None:
    found = health(text * times)
    assert 0 <= found.unprintable <= found.characters <= LONGEST


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60) | st.sampled_from(
    [PROSE, "的" * 30, "moss " * 60, "\x00\ufffd"]
)


@given(st.lists(ANY_TEXT, max_size=8), st.sets(st.integers(0, 7)))
def test_many_texts_at_once_are_what_each_is_alone(texts: list[str], closely: set[int]) -> None:
    assert healths(texts) == [health(text) for text in texts]
    for index, (found, text) in enumerate(zip(healths(texts, closely), texts, strict=True)):
        alone = health(text)
        assert (found.word_count, found.script, found.unprintable) == (alone.word_count, alone.script, alone.unprintable)
        assert found.loops == (alone.loops if index in closely else None)


@given(st.text(alphabet=st.characters(max_codepoint=0x7F), max_size=80))
def test_plain_text_is_counted_as_any_text_is(text: str) -> None:
    """What is counted by bytes agrees with the tables for all characters, which the last letter asks for."""
    assert words_in(text) == len(text.split())
    (plain, by_table), (script, _) = unprintable_and_script([text, f"{text}\u00e9"])
    assert plain == by_table
    letters = sum(letter.isalpha() for letter in text)
    assert script == ("Latin" if letters >= 8 else None)
