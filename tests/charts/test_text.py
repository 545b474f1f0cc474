import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.charts.text import lines, one_line, to_ascii


def test_escape_sequences_are_seen_not_obeyed() -> None:
    assert one_line("\x1b[31mred\x1b]0;title\x07") == "␛[31mred␛]0;title␇"
    assert one_line("a\x9bb") == "a⟨U+009B⟩b"


def test_what_reorders_or_hides_text_is_named() -> None:
    assert one_line("abc\u202edef\u200bghi") == "abc⟨U+202E⟩def⟨U+200B⟩ghi"


def test_line_breaks_are_kept_or_shown() -> None:
    assert one_line("a\r\nb\tc\rd") == "a↵b⇥c␍d"
    assert lines("a\r\nb\tc") == ("a", "b    c")


def test_ordinary_text_of_any_script_stays() -> None:
    assert one_line("naïve 世界 مرحبا 👍") == "naïve 世界 مرحبا 👍"


def test_markup_is_only_text() -> None:
    assert one_line("[bold]x[/bold] <b>") == "[bold]x[/bold] <b>"


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert one_line("x" * 50, most=10) == "x" * 10 + "…"


@given(st.text())
def test_nothing_unseen_is_left(text: str) -> None:
    for shown in (one_line(text), *lines(text)):
        assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text())
def test_ascii_is_ascii_and_keeps_its_width(text: str) -> None:
    shown = to_ascii(text, lambda _: 1)
    assert shown.isascii()
    assert len(shown) == len(text)
