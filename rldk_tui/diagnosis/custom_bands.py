"""Normal values that a person sets in `rldk.toml`: shown in place of the catalogue's, and judged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.levels import scope_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, NamedRule, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics import Band
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n

_MANUAL = """{metric} has left the band set for it.

What it means
    The metric lay outside {band} in most of the last logs. This band is what {source} calls normal for {metric}, and every
    face shows it in place of the catalogue's.

Why it happens
    Whoever set the band knows what this run should look like; the rule only counts the logs outside it. Other findings
    near the same step may say why.

What to do
    Look at what else changed where the metric left its band. If the values are fine, widen the band below [bands], or
    write mute = true below [rules.{id}].

Where the limit comes from
    The band stands in {source}. Five logs of eight outside it, so that a spike alone says nothing, is the persistence that
    the catalogue of rules asks of a level; both numbers can be set below [rules.{id}].
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """A warning when the metric is outside its band in `m` of its last `n` finite logs."""

    m: int = 5
    n: int = 8


def band_rules(bands: Mapping[str, Band]) -> tuple[NamedRule, ...]:
    """A rule for each band, by the metric's canonical name."""
    rules: dict[str, NamedRule] = {}
    for metric, band in bands.items():
        rule_id = base = f"band-{re.sub('[^a-z0-9]+', '-', metric.lower()).strip('-')}"
        while rule_id in rules:
            rule_id = f"{base}-{len(rules)}"
        rules[rule_id] = _band_rule(rule_id, metric, band)
    return tuple(rules.values())


def _band_rule(rule_id: str, metric: str, band: Band) -> NamedRule:
    rule = RowRule(
        family=Family.METRICS,
        reads=(metric,),
        watch=partial(_watch, band),
        fresh=NOTHING_YET,
        tell=partial(_tell, band),
        limits=Limits(),
        window=lambda limits: int(limits.n),
        worst=partial(_furthest, band),
        ceiling=Severity.WARNING,
    )
    manual = _MANUAL.format_map({"metric": metric, "band": band, "source": band.source, "id": rule_id})
    return NamedRule(rule_id, rule, manual)


def _outside(band: Band, values: Floats) -> Floats:
    """How far outside its band each value lies; not above 0 inside."""
    beyond = np.full(values.shape, -np.inf)
    with np.errstate(over="ignore"):
        if band.low is not None:
            beyond = np.fmax(beyond, band.low - values)
        if band.high is not None:
            beyond = np.fmax(beyond, values - band.high)
    return beyond


def _furthest(band: Band, values: NDArray[np.float64]) -> np.intp:
    return np.argmax(_outside(band, values))


def _watch(band: Band, rows: Rows, past: Floats, context: Context) -> Verdict[Floats]:
    """Whether most of the last finite values lay outside."""
    limits: Limits = context.limits
    at, values = scope_rows(rows, context)
    outside = _outside(band, values) > 0.0
    lasting, kept = m_of_n(outside, past, limits.m, limits.n)
    low, high = -np.inf if band.low is None else band.low, np.inf if band.high is None else band.high
    left_below = np.isinf(high) | (values < low)
    return Verdict(
        at=at,
        breach=outside,
        level=np.where(lasting, Severity.WARNING.rank, 0).astype(np.int8),
        value=values,
        limit=np.where(left_below, low, high),
        past=kept,
    )


def _tell(band: Band, episode: Episode, context: Context) -> Telling:
    """The words."""
    limits: Limits = context.limits
    return Telling(
        summary=f"{context.scope} was {episode.peak:.3g} at step {episode.peak_step}, outside the band {band} set in "
        f"{band.source}, and so in {limits.m} of {limits.n} logs.",
        advice=(Advice(text=f"Look at what else changed around step {episode.first_step}, or widen the band of this metric."),),
    )
