"""The growing table: frozen views, merging of sources, settled rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.events.entries import Kind, cells_of
from rldk_tui.run.columns import Rows, Table

CELLS = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.sampled_from(["loss", "kl"]),
        st.floats(allow_nan=True) | st.none(),
        st.sampled_from([4, 8, 12]),
    ),
    max_size=20,
    unique_by=lambda cell: (cell[0], cell[1], cell[3]),
)


def table_of(cells: list[tuple[int, str, float | None, int]]) -> Rows:
    table = Table()
    for step, name, value, authority in cells:
        table.put(step, math.nan, {name: value}, authority)
    return table.rows()


@given(CELLS, st.randoms())
def test_merging_sources_does_not_depend_on_their_order(
    cells: list[tuple[int, str, float | None, int]], random: object
) -> None:
    shuffled = list(cells)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = table_of(cells), table_of(shuffled)
    assert first.steps.tolist() == second.steps.tolist()
    for name in ("loss", "kl"):
        assert first.column(name).codes.tolist() == second.column(name).codes.tolist()
        np.testing.assert_array_equal(first.column(name).values, second.column(name).values)


def test_the_source_that_says_non_finite_beats_the_one_that_hides_it() -> None:
    rows = table_of([(1, "loss", 0.0, 12), (1, "loss", math.nan, 4), (2, "reward", 1.0, 8), (2, "reward", None, 4)])
    assert rows.column("loss").kinds.tolist() == [Kind.NONFINITE, Kind.ABSENT]
    assert rows.column("reward").kinds.tolist() == [Kind.ABSENT, Kind.NULL]


def test_what_was_given_out_never_changes() -> None:
    table = Table()
    table.put(1, 1.0, {"loss": 1.0}, 8)
    table.put(2, 2.0, {"loss": 2.0}, 8)
    before = table.rows()
    table.put(1, 1.0, {"loss": math.nan, "kl": 3.0}, 4)
    table.put(2, 2.0, {"kl": 4.0}, 8)
    for step in range(3, 300):
        table.put(step, float(step), {"loss": 0.0}, 8)
    assert before.steps.tolist() == [1, 2]
    assert before.column("loss").values.tolist() == [1.0, 2.0]
    assert not before.column("kl").present.any()


def test_a_late_word_on_a_row_that_was_shown_as_settled_changes_the_revision_and_on_the_newest_does_not() -> None:
    table = Table()
    table.put(1, math.nan, {"loss": 1.0}, 8)
    table.put(2, math.nan, {"loss": 2.0}, 8)
    table.shown(settled=1)
    revision = table.revision
    table.put(2, math.nan, {"kl": 2.0}, 8)
    table.put(1, math.nan, {"loss": 1.0}, 4)
    assert table.revision == revision
    table.put(1, math.nan, {"reward": None}, 4)
    assert table.revision != revision


def test_what_nobody_saw_yet_is_not_amended_however_many_sources_tell_of_it() -> None:
    table = Table()
    table.put(1, math.nan, {"loss": 1.0}, 8)
    table.shown(settled=0)
    revision = table.revision
    table.put(2, math.nan, {"loss": 2.0}, 8)
    table.put(4, math.nan, {"loss": 2.0}, 8)
    table.put(2, math.nan, {"kl": 2.0}, 4)
    table.put(3, math.nan, {"kl": 2.0}, 4)
    assert (table.amended, table.revision) == (0, revision)
    table.put(1, math.nan, {"kl": 2.0}, 4)
    assert (table.amended, table.revision) == (1, revision)


def test_a_step_that_was_skipped_is_put_in_its_place() -> None:
    rows = table_of([(1, "loss", 1.0, 8), (5, "loss", 5.0, 8), (3, "loss", 3.0, 8)])
    assert rows.steps.tolist() == [1, 3, 5]
    assert rows.column("loss").values.tolist() == [1.0, 3.0, 5.0]


def test_a_stretch_has_its_own_part_of_every_column() -> None:
    rows = table_of([(step, "loss", float(step), 8) for step in range(10)])
    stretch = rows[3:7][1:]
    assert stretch.steps.tolist() == stretch.column("loss").values.tolist() == [4, 5, 6]
    assert not stretch.column("never").present.any()


def test_what_was_another_launchs_is_taken_back_and_a_row_with_nothing_left_goes() -> None:
    table = Table()
    for step in (1, 2, 3):
        table.put(step, math.nan, {"loss": float(step)}, 4)
    table.put(1, 1.0, {"reward": 0.5}, 8)
    before, revision = table.shown(settled=2), table.revision
    table.withdraw(2, ["loss", "never"], 4)
    table.withdraw(1, ["loss", "reward"], 4)
    rows = table.rows()
    assert rows.steps.tolist() == [1, 3]
    np.testing.assert_array_equal(rows.column("loss").values, [math.nan, 3.0])
    np.testing.assert_array_equal(rows.column("reward").values, [0.5, math.nan])
    assert table.revision != revision
    assert before.steps.tolist() == [1, 2, 3]
    assert before.column("loss").values.tolist() == [1.0, 2.0, 3.0]
    table.put(4, math.nan, {"loss": 4.0}, 4)
    assert table.rows().column("loss").values.tolist()[1:] == [3.0, 4.0]


ENTRIES = st.lists(
    st.tuples(
        st.floats(0, 9) | st.just(math.nan),
        st.dictionaries(st.sampled_from(["loss", "kl"]), st.sampled_from([0.5, 1.5, math.nan, math.inf, None])),
    ),
    min_size=1,
    max_size=8,
)
MANY = st.tuples(st.sets(st.integers(0, 12), min_size=8, max_size=8), ENTRIES, st.sampled_from([4, 8]))


@given(st.lists(MANY, max_size=5))
def test_many_entries_at_once_are_the_same_as_one_after_the_other(blocks: list[Any]) -> None:
    singly, at_once = Table(), Table()
    for numbers, entries, authority in blocks:
        steps = sorted(numbers)[: len(entries)]
        for step, (time, values) in zip(steps, entries, strict=True):
            singly.put(step, time, values, authority)
        columns = {
            name: cells_of([values.get(name) for _, values in entries], [name not in values for _, values in entries])
            for name in ("loss", "kl")
        }
        at_once.put_many(np.array(steps), np.array([time for time, _ in entries]), columns, authority)
    one, other = singly.rows(), at_once.rows()
    np.testing.assert_array_equal(one.steps, other.steps)
    np.testing.assert_array_equal(one.times, other.times)
    assert singly.nonfinite == at_once.nonfinite
    for name in ("loss", "kl"):
        np.testing.assert_array_equal(one.column(name).codes, other.column(name).codes)
        np.testing.assert_array_equal(one.column(name).values, other.column(name).values)


def test_what_was_given_out_never_changes_when_many_come() -> None:
    table = Table()
    table.put_many(np.arange(5), np.zeros(5), {"loss": cells_of([1.0] * 5)}, 8)
    before, revision = table.shown(settled=4), table.revision
    table.put_many(np.arange(2, 9), np.zeros(7), {"loss": cells_of([math.nan] * 7)}, 8)
    assert before.column("loss").values.tolist() == [1.0] * 5
    assert table.rows().column("loss").kinds.tolist() == [Kind.FINITE] * 2 + [Kind.NONFINITE] * 7
    assert table.revision != revision
