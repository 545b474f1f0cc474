"""What was found of a reward, aspect by aspect, in words: the same sentences on the screen and in the report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rldk_tui.analysis.rewards.anomalies import Anomaly
from rldk_tui.analysis.rewards.consistency import Repeats
from rldk_tui.analysis.rewards.patterns import PatternName
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
from rldk_tui.analysis.rewards.stability import MODERATE, Drift, Shift
from rldk_tui.analysis.rewards.variance import MANY_TIED, QUERY_DOMINATED, SATURATED
from rldk_tui.analysis.rewards.watch import RewardReliability
from rldk_tui.charts.format import count, number, percent

_NOT_MEASURED = "not measured"
_BAD = (
    PatternName.COLLAPSED,
    PatternName.SATURATED,
    PatternName.STEP_CHANGE,
    PatternName.OSCILLATING,
    PatternName.DECLINING,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """One thing that was looked at.

    Attributes:
        name: What.
        told: What is said of it, in a few words.
        evidence: One or two sentences with numbers; what is missing where nothing could be said.
        trouble: Whether it asks for a look.
    """

    name: str
    told: str
    evidence: str
    trouble: bool = False


def aspects(found: RewardReliability) -> tuple[Aspect, ...]:
    """Pattern, stability, consistency, variance, trend and anomalies."""
    return (*_patterns(found), _stability(found), _consistency(found), _variance(found), _trend(found), _anomalies(found))


def _patterns(found: RewardReliability) -> Iterator[Aspect]:
    for name, one in (("Pattern", found.pattern), *(("Pattern too", other) for other in found.pattern.also)):
        sure = f" Confidence {one.confidence:.2f} (0.5 at the limit)." if one.confidence else ""
        yield Aspect(name=name, told=one.name.value, evidence=one.evidence + sure, trouble=one.name in _BAD)


def _stability(found: RewardReliability) -> Aspect:
    steady = found.stability
    halves = (
        ("Newer half of the window against the older", steady.recent),
        ("Window against the first rewards", steady.since_start),
    )
    told = [_drift(name, drift) for name, drift in halves if drift is not None]
    missing = f"{count(found.window)} rewards; 100 are needed."
    return Aspect(
        name="Stability",
        told="not enough to tell" if steady.verdict is Shift.NOT_ENOUGH else steady.verdict.value,
        evidence=" ".join(told) or missing,
        trouble=steady.verdict is Shift.LARGE,
    )


def _drift(name: str, drift: Drift) -> str:
    return (
        f"{name}: PSI {number(drift.psi, 2)} ({MODERATE:g} is moderate; chance gives up to "
        f"{number(drift.psi_by_chance, 2)}), "
        f"KS {number(drift.ks, 2)}, means {number(drift.shift, 2)} spreads apart."
    )


def _consistency(found: RewardReliability) -> Aspect:
    alike = found.consistency
    if not alike.measured:
        return Aspect(name="Consistency", told=_NOT_MEASURED, evidence="Prompts and completions were not told.")
    kinds = (("repeated replies", alike.same), ("replies alike but for case and punctuation", alike.near))
    told = [_repeats(name, repeats) for name, repeats in kinds if repeats.compared]
    if alike.agreement.groups:
        told.append(f"Two rewards rank the replies to a prompt with a correlation of {number(alike.agreement.rho, 2)}.")
    if not told:
        return Aspect(name="Consistency", told=_NOT_MEASURED, evidence="No reply came twice.")
    worst = max(repeats.differing or 0.0 for _, repeats in kinds)
    said = "same reply, same reward" if worst == 0 else f"{percent(worst)} scored otherwise"
    return Aspect(name="Consistency", told=said, evidence=" ".join(told), trouble=worst > 0)


def _repeats(name: str, repeats: Repeats) -> str:
    of_them = f"{percent(repeats.differing)} of {count(repeats.compared)} {name} got another reward"
    rows = f" (rows {', '.join(repeats.rows)})" if repeats.rows else ""
    return f"{of_them}, by {number(repeats.largest)} at most{rows}." if repeats.differing else f"{of_them}."


def _variance(found: RewardReliability) -> Aspect:
    spread = found.variance
    parts = [f"Mean {number(spread.mean)}, spread {number(spread.std)}, {count(spread.distinct)} different values"]
    if spread.tied_groups is not None:
        parts.append(f"all replies tie in {percent(spread.tied_groups)} of {count(spread.groups)} groups")
    if spread.at_highest is not None:
        parts.append(f"{percent(spread.at_highest)} at the top and {percent(spread.at_lowest)} at the bottom of the range")
    many_tied = spread.tied_groups is not None and spread.groups > 1 and spread.tied_groups > MANY_TIED
    return Aspect(
        name="Variance",
        told=_told_of_variance(found, many_tied=many_tied),
        evidence="; ".join(parts) + f". Limits: {percent(QUERY_DOMINATED)} between prompts, {percent(MANY_TIED)} tied, "
        f"{percent(SATURATED)} at the top.",
        trouble=bool(spread.query_dominated) or many_tied,
    )


def _told_of_variance(found: RewardReliability, *, many_tied: bool) -> str:
    spread = found.variance
    if many_tied and not spread.query_dominated:
        return f"{percent(spread.tied_groups)} of groups tie"
    return "prompts not compared" if spread.between_share is None else f"{percent(spread.between_share)} between prompts"


def _trend(found: RewardReliability) -> Aspect:
    way = found.trend
    if way.direction is None:
        return Aspect(name="Trend", told=_NOT_MEASURED, evidence=f"{count(way.steps)} steps; 10 are needed.")
    told = {1: "rising", -1: "falling", 0: "no trend"}[way.direction]
    evidence = (
        f"{number(way.slope, 2)} a step over {count(way.steps)} steps, {number(way.moved)} in all "
        f"(material from {number(way.material)}; corrected Mann-Kendall Z {number(way.z)})."
    )
    return Aspect(name="Trend", told=told, evidence=evidence, trouble=way.direction < 0)


def _anomalies(found: RewardReliability) -> Aspect:
    if not found.anomalies:
        return Aspect(name="Anomalies", told="none", evidence="No reward and no batch stands off from those before it.")
    told = [_placed(one) for one in found.anomalies[-3:]]
    more = len(found.anomalies) - len(told)
    ending = f" And {count(more)} earlier." if more else ""
    return Aspect(name="Anomalies", told=count(len(found.anomalies)), evidence=" ".join(told) + ending, trouble=True)


def _placed(one: Anomaly) -> str:
    return f"{one.message.removesuffix('.')} (rows {', '.join(one.rows)})." if one.rows else one.message


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
