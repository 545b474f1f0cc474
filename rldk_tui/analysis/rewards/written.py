"""What of a result becomes columns of the run's log: see `metrics.samples` for each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rldk_tui.analysis.rewards.anomalies import AnomalyKind
from rldk_tui.events import Measured

if TYPE_CHECKING:
    from rldk_tui.analysis.rewards.watch import RewardReliability


def measured(result: RewardReliability, now: float) -> Measured:
    """The event; what was not measured is left out.

    Args:
        result: What was found.
        now: Unix seconds.
    """
    recent, variance = result.stability.recent, result.variance
    outliers = [one for one in result.anomalies if one.kind is AnomalyKind.OUTLIER]
    bad = [one for one in result.anomalies if one.kind in (AnomalyKind.NOT_FINITE, AnomalyKind.UNSCORED)]
    values = {
        "window_rewards": float(result.window) if result.window else None,
        "window_mean": variance.mean,
        "window_std": variance.std,
        "window_psi": None if recent is None else recent.psi,
        "window_ks": None if recent is None else recent.ks,
        "window_shift": None if recent is None else recent.shift,
        "window_between_prompts": variance.between_share,
        "window_tied_groups": variance.tied_groups,
        "window_at_highest": variance.at_highest,
        "window_slope": result.trend.slope,
        "window_inconsistent": result.consistency.same.differing,
        "window_agreement": result.consistency.agreement.rho,
        "window_outliers": float(sum(one.count for one in outliers)) if result.window else None,
        "window_not_numbers": float(sum(one.count for one in bad)) if result.window or bad else None,
        "rm_outside_range": result.outside_range,
    }
    named = {"window_outliers": outliers[0].rows if outliers else (), "window_inconsistent": result.consistency.same.rows}
    return Measured(
        time=now,
        step=result.step,
        values={f"samples/{name}": value for name, value in values.items() if value is not None and math.isfinite(value)},
        named={f"samples/{name}": rows for name, rows in named.items() if rows},
    )
