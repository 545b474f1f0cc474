"""What was found of a reward, aspect by aspect, in words: the same sentences on the screen and in the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rldk_tui.analysis.rewards.anomalies import Anomaly
from rldk_tui.analysis.rewards.consistency import Repeats
from rldk_tui.analysis.rewards.patterns import PatternName
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
