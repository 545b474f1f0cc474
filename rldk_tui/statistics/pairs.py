"""What the scores of pairs tell of the model that gave them: whether its claims come true, and what it prefers.

A difference d of two scores claims that the first reply is the better one with probability 1 / (1 + exp(-d)) (Bradley and
Terry, Biometrika 39, 1952). The expected calibration error compares claims and facts in ten bins of equal mass (Nixon et al.,
arXiv 1904.01685): of equal mass, for nearly all pairs of a good model claim nearly 1. The error of a finite sample is above 0
even for a perfect model, and so is that of a resample of it once more; the interval is therefore Efron's basic one, mirrored
about the estimate (Davison and Hinkley, "Bootstrap Methods", 1997, 5.2), which takes that excess away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.statistics.proportion import wilson
from rldk_tui.statistics.rank import NOTHING, Pooled, spearman_within
from rldk_tui.statistics.windows import Floats

BINS = 10
RESAMPLES = 200
FAR_APART = 10.0
"""A difference of scores that claims odds of 22,000 to 1."""
SURE = 0.9
"""What the surest tenth must claim on average before its errors tell anything of the labels."""
_SEED = 20_240
_LARGEST = 1e30


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Claims against facts; NaN without pairs.

    Attributes:
        error: Expected calibration error, 0 to 1.
        low, high: The ends of its 95 % interval, each on one side.
        overconfidence: Mean claim less the share that came true: above 0 the scores lie too far apart, below too close.
        brier: Mean squared distance of claim and fact: 0.25 for a coin, 0 for an oracle.
    """

    error: float
    low: float
    high: float
    overconfidence: float
    brier: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairScores:
    """What pairs of scores tell; NaN is "not measured".

    Attributes:
        pairs: Pairs with two finite scores.
        unscored: Pairs without.
        accuracy: The share in which the chosen reply scored higher, ties half; `accuracy_low` and `accuracy_high` are the ends
            of Wilson's 95 % interval.
        margin: Median difference, chosen less rejected.
        far_apart: The share of pairs whose scores lie more than 10 apart.
        at_bounds: The share of scores that are exactly the highest or the lowest given, if more than two values were.
        calibration: Claims against facts.
        length_bias: Rank correlation of the differences in length and in score, both chosen less rejected.
        label_noise: Errors in the surest tenth: the labels' errors are at most about as many. NaN where even that tenth is not
            sure. `label_noise_high` is the upper end of Wilson's interval.
        lowest, highest: The 0.1 % and 99.9 % quantiles of all scores.
    """

    pairs: int
    unscored: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    margin: float
    far_apart: float
    at_bounds: float
    calibration: Calibration
    length_bias: Pooled
    label_noise: float
    label_noise_high: float
    lowest: float
    highest: float


def pair_scores(chosen: Floats, rejected: Floats, chosen_lengths: Floats, rejected_lengths: Floats) -> PairScores:
    """Everything at once.

    Args:
        chosen: Scores of the better replies, shape (n,); a pair counts where both are finite.
        rejected: Scores of the others, shape (n,).
        chosen_lengths: In tokens or any other unit, shape (n,); NaN where not known.
        rejected_lengths: Likewise.
    """
    known = np.isfinite(chosen) & np.isfinite(rejected)
    better, worse = (np.clip(scores[known], -_LARGEST, _LARGEST) for scores in (chosen, rejected))
    margins = better - worse
    scores = np.concatenate((better, worse))
    right = np.where(margins == 0, 0.5, margins > 0)
    accuracy = float(right.mean()) if right.size else math.nan
    low, high = wilson(np.array([accuracy]), np.array([float(right.size)]))
    noise, noise_high = _label_noise(margins, right)
    lowest, highest = np.quantile(scores, (0.001, 0.999)) if scores.size else (math.nan, math.nan)
    return PairScores(
        pairs=margins.size,
        unscored=known.size - margins.size,
        accuracy=accuracy,
        accuracy_low=float(low[0]),
        accuracy_high=float(high[0]),
        margin=float(np.median(margins)) if margins.size else math.nan,
        far_apart=float(np.mean(np.abs(margins) > FAR_APART)) if margins.size else math.nan,
        at_bounds=_at_bounds(scores),
        calibration=calibration(margins),
        length_bias=_length_bias(chosen_lengths[known] - rejected_lengths[known], margins),
        label_noise=noise,
        label_noise_high=noise_high,
        lowest=float(lowest),
        highest=float(highest),
    )


def calibration(margins: Floats, bins: int = BINS, resamples: int = RESAMPLES) -> Calibration:
    """Claims against facts. The same margins in any order give the same result.

    Args:
        margins: Score of the chosen less score of the rejected reply, shape (n,), finite.
        bins: Of equal mass; fewer where there are fewer pairs.
        resamples: Of the bootstrap, which has a generator of its own.
    """
    size = margins.size
    if not size:
        return Calibration(error=math.nan, low=math.nan, high=math.nan, overconfidence=math.nan, brier=math.nan)
    claims, facts = _claims(margins)
    error = float(_errors(claims[None, :], facts[None, :], bins)[0])
    drawn = np.sort(np.random.default_rng(_SEED).integers(size, size=(resamples, size), dtype=np.int32), axis=1)
    under, over = np.quantile(_errors(claims[drawn], facts[drawn], bins), (0.05, 0.95))
    return Calibration(
        error=error,
        low=max(0.0, 2 * error - float(over)),
        high=min(1.0, max(error, 2 * error - float(under))),
        overconfidence=float(claims.mean() - facts.mean()),
        brier=float(np.square(1.0 - _sigmoid(margins)).mean()),
    )


def _sigmoid(margins: Floats) -> Floats:
    result: Floats = 1.0 / (1.0 + np.exp(-np.clip(margins, -700.0, 700.0)))
    return result


def _claims(margins: Floats) -> tuple[Floats, Floats]:
    """How sure the model is of each pair, rising, and whether it was right; pairs of one claim share their mean."""
    sizes, place = np.unique(np.abs(margins), return_inverse=True)
    right = np.where(margins == 0, 0.5, margins > 0)
    count = np.bincount(place)
    facts = np.bincount(place, right) / count
    return np.repeat(_sigmoid(sizes), count), np.repeat(facts, count)


def _errors(claims: Floats, facts: Floats, bins: int) -> Floats:
    """The calibration error of each row, whose claims rise."""
    size = claims.shape[1]
    starts = np.unique(np.arange(min(bins, size)) * size // min(bins, size))
    result: Floats = np.abs(np.add.reduceat(claims - facts, starts, axis=1)).sum(axis=1) / size
    return result


def _label_noise(margins: Floats, right: Floats) -> tuple[float, float]:
    tenth = max(1, margins.size // BINS)
    surest: NDArray[np.intp] = np.argsort(-np.abs(margins), kind="stable")[:tenth]
    if not margins.size or _sigmoid(np.abs(margins[surest])).mean() < SURE:
        return math.nan, math.nan
    share = 1.0 - float(right[surest].mean())
    return share, float(wilson(np.array([share]), np.array([float(tenth)]))[1][0])


def _at_bounds(scores: Floats) -> float:
    if np.unique(scores).size <= 2:
        return math.nan
    return float(np.mean((scores == scores.max()) | (scores == scores.min())))


def _length_bias(longer: Floats, margins: Floats) -> Pooled:
    known = np.isfinite(longer)
    if not known.any():
        return NOTHING
    return spearman_within(longer[known], margins[known], np.zeros(int(known.sum()), np.int64))
