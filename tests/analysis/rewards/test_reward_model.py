"""A reward model judged by the scores it gives pairs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rldk_tui.analysis.rewards import judge_pairs, scored_range
from rldk_tui.events import Measured
from rldk_tui.events.writer import EventWriter

RNG = np.random.default_rng(4)


def honest(count: int, stretch: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Scores whose differences, divided by `stretch`, are the true odds of the labels."""
    margins = RNG.normal(0, 2, count)
    better = RNG.random(count) < 1 / (1 + np.exp(-margins))
    middle = RNG.normal(0, 1, count)
    half = np.where(better, margins, -margins) * stretch / 2
    return middle + half, middle - half


def test_an_honest_model_is_left_alone() -> None:
    chosen, rejected = honest(1000)
    found = judge_pairs(chosen, rejected, RNG.integers(5, 50, 1000), RNG.integers(5, 50, 1000))
    assert not found.claims
    assert found.scores.calibration.low < 0.03
    assert found.scores.accuracy == pytest.approx(float(np.mean(chosen > rejected)))
    assert found.scores.calibration.brier < 0.25


@pytest.mark.parametrize(("stretch", "words"), [(4.0, "too far apart"), (0.1, "too close together")])
def test_claims_that_do_not_come_true(stretch: float, words: str) -> None:
    found = judge_pairs(*honest(1500, stretch))
    assert words in found.claims[0]
    assert found.scores.calibration.low <= found.scores.calibration.error <= found.scores.calibration.high


def test_few_pairs_say_nothing() -> None:
    assert not judge_pairs(*honest(60, 6.0)).claims


def test_a_preference_for_length_given_the_label() -> None:
    lengths = RNG.integers(5, 200, (2, 600)).astype(float)
    scores = lengths / 50 + RNG.normal(0, 0.3, (2, 600))
    found = judge_pairs(scores[0], scores[1], lengths[0], lengths[1])
    assert found.scores.length_bias.low > 0.5
    assert any("Longer replies" in claim for claim in found.claims)


def test_better_replies_that_are_longer_are_no_bias() -> None:
    chosen, rejected = honest(800)
    lengths = RNG.integers(5, 50, (2, 800)).astype(float)
    assert judge_pairs(chosen, rejected, lengths[0] + 100, lengths[1]).scores.length_bias.rho < 0.15


def test_a_coin() -> None:
    found = judge_pairs(RNG.normal(size=2000), RNG.normal(size=2000))
    assert any("coin" in claim for claim in found.claims)


def test_wrong_labels_show_where_it_is_surest() -> None:
    chosen, rejected = honest(4000)
    margins = np.abs(chosen - rejected) + 3
    wrong = RNG.random(4000) < 0.2
    found = judge_pairs(np.where(wrong, 0.0, margins), np.where(wrong, margins, 0.0))
    assert found.scores.label_noise == pytest.approx(0.2, abs=0.06)


@pytest.mark.parametrize(
    ("chosen", "rejected"), [([], []), ([0.1], [0.2]), ([0.5] * 40, [0.5] * 40), ([None, math.nan], [1.0, math.inf])]
)
def test_hardly_any_scores(chosen: list[float], rejected: list[float]) -> None:
    found = judge_pairs(chosen, rejected)
    assert not found.claims
    assert found.scores.pairs + found.scores.unscored == len(chosen)


def test_lists_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="rejected holds 1 and chosen 2"):
        judge_pairs([0.1, 0.2], [0.1])
    with pytest.raises(ValueError, match="chosen_lengths holds 1"):
        judge_pairs([0.1, 0.2], [0.1, 0.2], [1], [1, 2])


@given(st.lists(st.tuples(st.floats(), st.floats(), st.floats(), st.floats()), max_size=60), st.randoms())
@settings(max_examples=30)
def test_any_scores_in_any_order(pairs: list[tuple[float, float, float, float]], random: object) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (judge_pairs(*(list(column) for column in zip(*rows, strict=True))) if rows else judge_pairs([], [])
                  for rows in (pairs, shuffled))  # fmt: skip
    assert one.scores.calibration.error == pytest.approx(other.scores.calibration.error, nan_ok=True)
    assert one.scores.pairs == other.scores.pairs


def test_the_range_of_its_scores_is_read_from_its_log(tmp_path: Path) -> None:
    with EventWriter(tmp_path / "rldk" / "events-rank00000.jsonl") as log:
        for step, low in ((10, -1.0), (20, -2.0)):
            values: dict[str, float | None] = {"samples/rm_score_low": low, "samples/rm_score_high": 3.0}
            log.append(Measured(time=0.0, step=step, values=values))
    with (tmp_path / "rldk" / "events-rank00000.jsonl").open("ab") as log_file:
        log_file.write(b'{"samples/rm_score_low": torn')
    assert scored_range(tmp_path) == (-2.0, 3.0)


def test_a_run_without_a_log_has_no_range(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no event log"):
        scored_range(tmp_path)
