"""Painting only what changed leaves the same line as painting all of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.tui.cells import Line, Span, Tone, changed_until, in_few_tones

SPANS = st.lists(
    st.builds(Span, st.text("ab ▁█×世", max_size=12), st.sampled_from([Tone.PLAIN, Tone.HIGH]), st.booleans()), max_size=4
)


def cells(shown: Line, width: int) -> list[tuple[str, object, bool]]:
    """What stands in each cell; a wide character stands in its first one."""
    painted: list[tuple[str, object, bool]] = []
    for span in shown.spans:
        for char in span.text:
            painted += [(char, span.tone, span.shaded), *[("", span.tone, span.shaded)] * (Span(char).width - 1)]
    return painted + [(" ", None, False)] * (width - len(painted))


@given(before=SPANS, after=SPANS)
def test_what_is_not_painted_was_right_already(before: list[Span], after: list[Span]) -> None:
    old, new = Line(tuple(before)), Line(tuple(after))
    width = max(old.width, new.width)
    screen, wanted = cells(old, width), cells(new, width)
    until = changed_until(old, new)
    screen[:until] = wanted[:until]
    assert screen == wanted


@given(spans=SPANS)
def test_fewer_tones_look_the_same(spans: list[Span]) -> None:
    shown = Line(tuple(spans))
    fewer = in_few_tones(shown)
    assert fewer.text == shown.text
    assert len(fewer.spans) <= len(shown.spans)
    for before, after in zip(cells(shown, shown.width), cells(fewer, shown.width), strict=True):
        assert before == after or before[0].isspace()
        assert before[2] == after[2]
