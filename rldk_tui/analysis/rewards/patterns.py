"""What the rewards have been doing, by name: none without evidence, each with the limit it crossed.

Over time (the means of the last steps, at least 10 of them):
improving, declining  a trend by Mann and Kendall's corrected test that is also material (`statistics.trend`).
step change           one level fits the steps before a moment and another those after it: at least 3 spreads of the step
                      means apart, at least 5 standard errors (the largest over all moments exceeds 4.2 once in a thousand
                      times: Andrews, Econometrica 61, 1993), and better than a straight line does.
oscillating           one period holds more of the variance than noise allows (Fisher's g, Proceedings of the Royal Society A
                      125, 1929, one in ten thousand, after neighbours' likeness is taken out), and at least 40 % of it.
saturated             nine in ten rewards at the top of their range.
collapsed             the spread fell below a twentieth of that of the first rewards, or all are one number.
plateau               20 steps or more, none of the above, and the slope moves them by less than a trend must.
In the distribution (at least 200 rewards that take more than 20 values):
bimodal               two heaps, with a valley between them half as deep as either.
heavy-tailed          at least five rewards and one in 200 lie beyond 5 robust spreads, where a normal one has none; not of
                      two heaps.

`confidence` says how far the evidence lies beyond its limit, s²/(1 + s²) with s evidence ÷ limit: 0.5 at the limit, 0.8 at
twice, 0.9 at three times. It is no probability.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from rldk_tui.analysis.rewards.direction import FEWEST_STEPS, Trend
from rldk_tui.analysis.rewards.shapes import Shape, bimodal, heavy_tailed
from rldk_tui.analysis.rewards.variance import SATURATED
from rldk_tui.analysis.rewards.window import RewardWindow
from rldk_tui.charts.format import number, percent
from rldk_tui.statistics.level_shift import Cycle, LevelShift, cycle, level_shift
from rldk_tui.statistics.trend import SIGNIFICANT
from rldk_tui.statistics.windows import Floats

FEWEST_REWARDS = 64
SETTLED = 20
"""Steps before nothing happening is told as such."""
COLLAPSED = 0.05


class PatternName(StrEnum):
    """Graver first where several hold."""

    COLLAPSED = "collapsed"
    SATURATED = "saturated"
    STEP_CHANGE = "step change"
    OSCILLATING = "oscillating"
    DECLINING = "declining"
    IMPROVING = "improving"
    BIMODAL = "bimodal"
    HEAVY_TAILED = "heavy-tailed"
    PLATEAU = "plateau"
    UNCLEAR = "unclear"
    NOT_ENOUGH = "not enough"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One pattern.

    Attributes:
        name: Which.
        confidence: 0 to 1, see the module; 0 for "unclear" and "not enough".
        evidence: One sentence with numbers.
        numbers: What it was judged by, with its limits.
        also: The other patterns that hold, graver first.
    """

    name: PatternName
    confidence: float
    evidence: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    also: tuple[Pattern, ...] = ()


def pattern(window: RewardWindow, way: Trend, high: float | None) -> Pattern:
    """What the rewards have been doing; what else holds stands in `also`.

    Args:
        window: The rewards.
        way: The trend of their step means.
        high: The share of them at the highest; None where that is not measured.
    """
    if window.seen < FEWEST_REWARDS or window.rewards.size < FEWEST_REWARDS:
        return _not_enough(f"{window.rewards.size} rewards; {FEWEST_REWARDS} are needed.")
    bound = _collapsed(window, high) or _saturated(window, high)
    shapes = _shapes(window.rewards) if bound is None else ()
    found = [one for one in (bound, *(_over_time(window, way) if bound is None else ()), *shapes) if one is not None]
    if not found and window.means.size < FEWEST_STEPS:
        return _not_enough(f"{window.means.size} steps; {FEWEST_STEPS} are needed.")
    if not found:
        return Pattern(name=PatternName.UNCLEAR, confidence=0.0, evidence="No pattern has evidence enough.")
    first, *others = sorted(found, key=lambda one: list(PatternName).index(one.name))
    return Pattern(
        name=first.name, confidence=first.confidence, evidence=first.evidence, numbers=first.numbers, also=tuple(others)
    )


def _not_enough(evidence: str) -> Pattern:
    return Pattern(name=PatternName.NOT_ENOUGH, confidence=0.0, evidence=evidence)


def _over_time(window: RewardWindow, way: Trend) -> tuple[Pattern | None, ...]:
    jump = _jumped(level_shift(window.means), window)
    if jump is not None:
        return (jump,)  # a step looks like a trend and like half a period too
    waves = _waves(cycle(window.means))
    if way.direction:
        return (_trending(way), waves)
    return (waves if waves is not None else _plateau(way),)


def _collapsed(window: RewardWindow, high: float | None) -> Pattern | None:
    rewards = window.rewards
    quarter = rewards[-max(FEWEST_REWARDS, rewards.size // 4) :]
    usual, now = float(window.first.std()), float(quarter.std())
    if np.ptp(rewards) == 0 and usual < 1e-12 + 1e-9 * abs(float(rewards[0])):
        evidence = f"All {rewards.size} rewards are {number(float(rewards[0]))}: there is nothing to learn from."
        return Pattern(name=PatternName.COLLAPSED, confidence=1.0, evidence=evidence, numbers={"std": 0.0})
    at_top = high is not None and high >= SATURATED
    if at_top or not now < COLLAPSED * usual:
        return None
    return Pattern(
        name=PatternName.COLLAPSED,
        confidence=confidence(COLLAPSED * usual, max(now, 1e-300)),
        evidence=f"The newest {quarter.size} rewards spread by {number(now)}, the first ones by {number(usual)}.",
        numbers={"std": now, "first_std": usual, "limit": COLLAPSED * usual},
    )


def _saturated(window: RewardWindow, high: float | None) -> Pattern | None:
    if high is None or high < SATURATED:
        return None
    top = float(window.rewards.max())
    return Pattern(
        name=PatternName.SATURATED,
        confidence=confidence(1.0 - SATURATED, max(1.0 - high, 0.01)),
        evidence=f"{percent(high)} of the last {window.rewards.size} rewards stand at the top, {number(top)}.",
        numbers={"share": high, "limit": SATURATED, "top": top},
    )


def _trending(way: Trend) -> Pattern:
    z, moved = way.z or 0.0, way.moved or 0.0
    return Pattern(
        name=PatternName.IMPROVING if moved > 0 else PatternName.DECLINING,
        confidence=confidence(abs(z), SIGNIFICANT),
        evidence=f"The mean reward {'rose' if moved > 0 else 'fell'} by {number(abs(moved))} over {way.steps} steps "
        f"(corrected Mann-Kendall Z {number(z)}, limit {SIGNIFICANT:g}).",
        numbers={"z": z, "limit": SIGNIFICANT, "moved": moved, "slope": way.slope or 0.0},
    )


def _jumped(jump: LevelShift | None, window: RewardWindow) -> Pattern | None:
    if jump is None:
        return None
    step = int(window.at[jump.at])
    return Pattern(
        name=PatternName.STEP_CHANGE,
        confidence=confidence(jump.errors, jump.limit),
        evidence=f"The mean reward went from {number(jump.before)} to {number(jump.after)} at step {step}, "
        f"{number(jump.spreads)} spreads of the step means.",
        numbers={
            "before": jump.before,
            "after": jump.after,
            "step": float(step),
            "errors": jump.errors,
            "limit": jump.limit,
            "spreads": jump.spreads,
        },
    )


def _waves(waves: Cycle | None) -> Pattern | None:
    if waves is None:
        return None
    return Pattern(
        name=PatternName.OSCILLATING,
        confidence=confidence(waves.share, waves.limit),
        evidence=f"The mean reward swings with a period of {number(waves.period)} steps, which is {percent(waves.share)} of "
        "its variance.",
        numbers={"period": waves.period, "share": waves.share, "limit": waves.limit, "p_value": waves.p_value},
    )


def _plateau(way: Trend) -> Pattern | None:
    moved, material = abs(way.moved or 0.0), way.material
    if way.steps < SETTLED or material is None or not moved < material:
        return None
    return Pattern(
        name=PatternName.PLATEAU,
        confidence=confidence(material, max(moved, 0.01 * material)),
        evidence=f"Over {way.steps} steps the mean reward moved by {number(moved)}, less than a trend ({number(material)}).",
        numbers={"moved": moved, "limit": material},
    )


def _shapes(rewards: Floats) -> tuple[Pattern | None, ...]:
    """Of two heaps the robust spread is that of the larger one: the other is no tail."""
    heaps = _heaps(bimodal(rewards))
    return (heaps,) if heaps is not None else (_tails(heavy_tailed(rewards)),)


def _heaps(found: Shape | None) -> Pattern | None:
    if found is None:
        return None
    low, high = found.places
    return Pattern(
        name=PatternName.BIMODAL,
        confidence=confidence(found.strength, found.limit),
        evidence=f"Rewards heap up about {number(low)} and {number(high)}; between them are "
        f"{percent(1 / found.strength if found.strength else 0.0)} as many.",
        numbers={"low": low, "high": high, "ratio": found.strength, "limit": found.limit},
    )


def _tails(found: Shape | None) -> Pattern | None:
    if found is None:
        return None
    return Pattern(
        name=PatternName.HEAVY_TAILED,
        confidence=confidence(found.strength, found.limit),
        evidence=f"{percent(found.strength)} of the rewards lie beyond 5 robust spreads from their median, "
        f"{number(found.places[0])} to {number(found.places[1])}.",
        numbers={"share": found.strength, "limit": found.limit},
    )


def confidence(evidence: float, limit: float) -> float:
    """How far evidence lies beyond its limit, see the module."""
    strength = min(evidence / limit, 1e6) if limit > 0 else 1e6
    return strength * strength / (1.0 + strength * strength)
