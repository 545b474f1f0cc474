"""What pairs tell of a reward model, aspect by aspect, in words: the same sentences on the screen and in the report."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rldk_tui.analysis.rewards.aspects import Aspect
from rldk_tui.analysis.rewards.reward_model import (
    AT_CHANCE,
    ENOUGH_FOR_CHANCE,
    ENOUGH_LENGTHS,
    ENOUGH_PAIRS,
    LENGTH_BIASED,
    LENGTH_BIASED_LOW,
    MANY_FAR_APART,
    MISCALIBRATED,
    NOISY,
)
from rldk_tui.charts.format import count, number, percent


def aspects_of_model(values: Mapping[str, float]) -> tuple[Aspect, ...]:
    """What its scores of pairs tell of a reward model.

    Args:
        values: The newest of each measure, by catalogue name; what was not measured is absent.
    """
    pairs = values.get("samples/rm_pairs", 0.0)
    told = (
        _accuracy(values),
        _calibration(values, pairs),
        _length(values, pairs),
        _saturation(values, pairs),
        _noise(values, pairs),
    )
    return tuple(aspect for aspect in told if aspect is not None)


def _accuracy(values: Mapping[str, float]) -> Aspect | None:
    name = next((name for name in ("eval/accuracy", "accuracy") if name in values), None)
    if name is None:
        return None
    of_what = "of the evaluation pairs" if name == "eval/accuracy" else "of the training batch"
    margin = values.get("eval/margin" if name == "eval/accuracy" else "margin")
    apart = "" if margin is None else f" Chosen replies score {number(margin)} more than rejected ones on average."
    return Aspect(
        name="Accuracy",
        told=percent(values[name]),
        evidence=f"Ranks so many {of_what} rightly; a coin ranks 50 %.{apart} Below {percent(AT_CHANCE)} after "
        f"{ENOUGH_FOR_CHANCE} pairs it is no more than a coin.",
        trouble=values[name] < AT_CHANCE,
    )


def _enough(pairs: float, needed: int) -> str:
    return "" if pairs >= needed else f" {count(int(pairs))} pairs; {needed} are needed to judge it."


def _calibration(values: Mapping[str, float], pairs: float) -> Aspect | None:
    error = values.get("samples/rm_ece")
    if error is None:
        return None
    low, too_sure = values.get("samples/rm_ece_low", math.nan), values.get("samples/rm_overconfidence", 0.0)
    way = "scores lie too far apart" if too_sure > 0 else "scores lie too close together"
    brier = f" Brier score {number(values.get('samples/rm_brier'))} (a coin: 0.25)." if "samples/rm_brier" in values else ""
    wrong = pairs >= ENOUGH_PAIRS and error > MISCALIBRATED and low > MISCALIBRATED
    return Aspect(
        name="Calibration",
        told=f"error {number(error)}",
        evidence=f"Claimed and true shares lie {number(error)} apart, at least {number(low)} (limit {MISCALIBRATED:g})"
        f"{f': {way}' if wrong else ''}.{brier}{_enough(pairs, ENOUGH_PAIRS)}",
        trouble=wrong,
    )


def _length(values: Mapping[str, float], pairs: float) -> Aspect | None:
    rho = values.get("samples/rm_length_bias")
    if rho is None:
        return None
    low = values.get("samples/rm_length_bias_low", math.nan)
    biased = pairs >= ENOUGH_LENGTHS and rho > LENGTH_BIASED and low > LENGTH_BIASED_LOW
    return Aspect(
        name="Length bias",
        told=f"correlation {number(rho, 2)}",
        evidence=f"Of the difference in length with that in score, given the label; at least {number(low, 2)} (limits "
        f"{LENGTH_BIASED:g} and {LENGTH_BIASED_LOW:g}).{_enough(pairs, ENOUGH_LENGTHS)}",
        trouble=biased,
    )


def _saturation(values: Mapping[str, float], pairs: float) -> Aspect | None:
    share = values.get("samples/rm_far_apart")
    if share is None:
        return None
    low, high = values.get("samples/rm_score_low"), values.get("samples/rm_score_high")
    spanned = "" if low is None or high is None else f" Scores range from {number(low)} to {number(high)}."
    return Aspect(
        name="Saturation",
        told=f"{percent(share)} far apart",
        evidence=f"Pairs whose scores lie more than 10 apart (limit {percent(MANY_FAR_APART)}).{spanned}"
        f"{_enough(pairs, ENOUGH_LENGTHS)}",
        trouble=pairs >= ENOUGH_LENGTHS and share > MANY_FAR_APART,
    )


def _noise(values: Mapping[str, float], pairs: float) -> Aspect | None:
    share = values.get("samples/rm_label_noise")
    if share is None:
        return None
    return Aspect(
        name="Label noise",
        told=f"{percent(share)} at most, or so",
        evidence=f"So many of the tenth it is surest of are ranked wrongly (limit {percent(NOISY)}): labels, or its certainty."
        f"{_enough(pairs, ENOUGH_PAIRS)}",
        trouble=pairs >= ENOUGH_PAIRS and share > NOISY,
    )
