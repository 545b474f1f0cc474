"""The best within an epoch of the data."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.diagnosis.epochs import LONG, EpochPast, best_of_epoch
from rldk_tui.statistics.windows import Floats
from tests.builders import a_run
from tests.statistics.test_windows import pieces


def best(epochs: Floats, middle: Floats, size: int = 3, cuts: tuple[int, ...] = ()) -> tuple[list[float], list[bool]]:
    rows = a_run().with_metrics(epoch=epochs, reward=middle).snapshot().segments[0].rows
    past, bests, longs, seen = EpochPast(), [], [], 0
    for piece in pieces(middle, list(cuts)):
        part = rows[seen : seen + piece.size]
        counts = seen + 1 + np.arange(piece.size)
        some, long, past = best_of_epoch(part, np.arange(piece.size), counts, piece, size, past)
        bests += some.tolist()
        longs += long.tolist()
        seen += piece.size
    return bests, longs


def test_an_epoch_after_a_long_one_begins_anew_when_the_window_lies_within() -> None:
    logs = 2 * LONG
    epochs = (np.arange(logs) + 1) / LONG
    middle = np.concatenate((np.full(LONG, 9.0), np.full(LONG, 5.0)))
    bests, longs = best(epochs, middle)
    assert bests[LONG - 1] == 9.0
    assert np.isnan(bests[LONG : LONG + 2]).all(), "the window of three reaches back"
    assert bests[LONG + 2 :] == [5.0] * (LONG - 2)
    assert not any(longs[:LONG])
    assert all(longs[LONG:])


def test_short_epochs_change_nothing() -> None:
    _, longs = best((np.arange(200) + 1) / (LONG - 1), np.ones(200))
    assert not any(longs)


@given(st.integers(1, 160), st.integers(10, 70), st.lists(st.integers(0, 160), max_size=5), st.integers(0, 9))
def test_it_is_the_same_however_the_rows_were_cut(logs: int, length: int, cuts: list[int], seed: int) -> None:
    epochs = (np.arange(logs) + 1) / length
    middle = np.random.default_rng(seed).normal(size=logs)
    assert repr(best(epochs, middle, cuts=tuple(cuts))) == repr(best(epochs, middle))
