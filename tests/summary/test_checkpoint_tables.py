"""Tables of checkpoints in any width, and names that would steer a terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.summary.checkpoints.table import Column, table

COLUMNS = [
    Column("tensor", ["model.layers.0.self_attn.q_proj.weight", "lm_head.weight"]),
    Column("change", ["1.2 %", "–"]),
    Column("cosine", ["0.999", "1"], 1),
    Column("nothing", ["–", "–"], 2),
    Column("largest", ["0.001", "0"], 3),
]


def test_all_that_is_known_where_there_is_room() -> None:
    assert list(table(COLUMNS, 80)) == [
        "  tensor                                  change  cosine  largest",
        "  model.layers.0.self_attn.q_proj.weight   1.2 %   0.999    0.001",
        "  lm_head.weight                               –       1        0",
    ]


def test_what_matters_least_goes_first_and_a_name_keeps_its_end() -> None:
    assert list(table(COLUMNS, 58)) == [
        "  tensor                                  change  cosine",
        "  model.layers.0.self_attn.q_proj.weight   1.2 %   0.999",
        "  lm_head.weight                               –       1",
    ]
    narrow = list(table(COLUMNS, 30))
    assert max(map(len, narrow)) == 30
    assert narrow[1].endswith("attn.q_proj.weight   1.2 %")


@given(st.lists(st.text(max_size=600), min_size=1, max_size=4), st.integers(40, 200))
def test_any_name_takes_one_line_of_the_width(names: list[str], width: int) -> None:
    lines = list(table([Column("tensor", names), Column("change", ["1 %"] * len(names))], width))
    assert len(lines) == len(names) + 1
    for line in lines:
        assert len(line) <= width
        assert line.isprintable()
