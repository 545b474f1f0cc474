"""Rows in trouble become episodes, the same ones however the rows were cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.diagnosis.episodes import Track, follow
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Severity
from rldk_tui.run import Rows


def _tell(episode: Episode, context: Context) -> Telling:
    raise AssertionError("nothing is told here")


def _watch(rows: Rows, past: None, context: object) -> Verdict[None]:
    raise AssertionError("nothing is watched here")


def rule(window: int = 5, close_after: int = 3, reopen_within: int = 0) -> RowRule[None]:
    return RowRule(
        family=Family.KL,
        reads=("kl",),
        watch=_watch,
        fresh=None,
        tell=_tell,
        limits=None,
        window=window,
        close_after=close_after,
        reopen_within=reopen_within,
    )


def verdict(levels: list[int], breaches: list[bool] | None = None) -> Verdict[None]:
    level = np.array(levels, np.int8)
    return Verdict(
        at=np.arange(level.size),
        breach=np.array(breaches if breaches is not None else level > 0, np.bool_),
        level=level,
        value=level.astype(np.float64),
        limit=np.full(level.size, 0.5),
        past=None,
        facts={"double": (2.0 * level).astype(np.float64), "unknown": np.full(level.size, np.nan)},
    )


def track_of(levels: list[int], breaches: list[bool] | None = None, cuts: tuple[int, ...] = (), /, **shape: int) -> Track:
    track, whole = Track(), verdict(levels, breaches)
    steps = 10 * (1 + np.arange(len(levels), dtype=np.int64))
    for low, high in pairwise(sorted({0, len(levels), *cuts})):
        part = slice(low, high)
        piece = Verdict(
            at=np.arange(high - low),
            breach=whole.breach[part],
            level=whole.level[part],
            value=whole.value[part],
            limit=whole.limit[part],
            past=None,
            facts={name: values[part] for name, values in whole.facts.items()},
        )
        track = follow(track, steps[part], piece, rule(**shape), "kl")
    return track


def test_one_stretch_is_one_episode() -> None:
    (episode,) = track_of([0, 0, 2, 2, 2, 0]).episodes()
    assert (episode.first_step, episode.detected_step, episode.last_step, episode.rows) == (30, 30, 50, 3)
    assert episode.open
    assert episode.severity is Severity.WARNING


def test_the_onset_is_the_first_row_beyond_the_limit_of_the_window_that_opened() -> None:
    breaches = [True, False, False, True, True, True, True]
    (episode,) = track_of([0, 0, 0, 0, 0, 2, 2], breaches, window=4).episodes()
    assert (episode.first_step, episode.detected_step) == (40, 60)
    (wider,) = track_of([0, 0, 0, 0, 0, 2, 2], breaches, window=6).episodes()
    assert wider.first_step == 10


def test_the_onset_never_reaches_into_the_episode_before() -> None:
    levels = [2, 0, 0, 0, 2]
    first, second = track_of(levels, [True] * 5, window=9).episodes()
    assert not first.open
    assert (first.first_step, second.first_step) == (10, 20)


def test_a_short_pause_is_the_same_episode_and_a_long_one_ends_it() -> None:
    assert len(track_of([2, 0, 0, 2]).episodes()) == 1
    assert len(track_of([2, 0, 0, 0, 2]).episodes()) == 2
    assert track_of([2, 0, 0]).current is not None
    (closed,) = track_of([2, 0, 0, 0]).episodes()
    assert not closed.open


def test_trouble_soon_after_an_episode_is_that_episode_again() -> None:
    (again,) = track_of([2, 0, 0, 0, 0, 2], reopen_within=5).episodes()
    assert (again.first_step, again.last_step, again.open, again.rows) == (10, 60, True, 2)
    assert len(track_of([2, 0, 0, 0, 0, 0, 2], reopen_within=5).episodes()) == 2
    (closed,) = track_of([2, 0, 0, 0], reopen_within=5).episodes()
    assert not closed.open, "until then it is over"


def test_it_escalates_and_never_calms_down() -> None:
    (episode,) = track_of([1, 3, 2, 4, 1]).episodes()
    assert episode.severity is Severity.CRITICAL
    assert (episode.peak, episode.peak_step) == (4.0, 40)


def test_facts_are_those_of_the_row_that_opened_it() -> None:
    (episode,) = track_of([0, 1, 3]).episodes()
    assert episode.facts == {"double": 2.0}


LEVELS = st.lists(st.sampled_from([0, 0, 0, 1, 2, 4]), max_size=40)


@given(LEVELS, st.lists(st.integers(0, 40), max_size=6), st.integers(1, 6), st.integers(1, 6), st.integers(0, 9), st.randoms())
def test_the_episodes_are_the_same_however_the_rows_were_cut(
    levels: list[int], cuts: list[int], window: int, close_after: int, reopen_within: int, random: object
) -> None:
    breaches = [level > 0 or random.random() < 0.3 for level in levels]  # type: ignore[attr-defined]
    inside = tuple(cut for cut in cuts if cut < len(levels))
    shape = {"window": window, "close_after": close_after, "reopen_within": reopen_within}
    whole = track_of(levels, breaches, (), **shape)
    cut = track_of(levels, breaches, inside, **shape)
    assert cut.episodes() == whole.episodes()
    assert cut.clean == whole.clean


@given(LEVELS)
def test_episodes_are_in_order_and_tell_every_row_in_trouble(levels: list[int]) -> None:
    episodes = track_of(levels).episodes()
    assert sum(episode.rows for episode in episodes) == np.count_nonzero(levels)
    assert all(one.last_step < other.first_step for one, other in pairwise(episodes))
    assert all(one.first_step <= one.detected_step <= one.last_step for one in episodes)
