"""The reward model is surer of its rankings than it is right.

What it means
    A difference of two scores claims a probability that the one reply is better. Over the evaluation pairs those
    probabilities and the share that came true lie far apart. Best-of-n and RL pick the replies with the largest claims, so
    they pick the errors.

Why it happens
    Training on after the ranking was learned, which only widens the margins; noisy labels that were fitted; no smoothing of
    the labels and no term against large scores.

What to do
    Divide the scores by a temperature fitted on evaluation pairs: the ranking stays, the claims become honest. For the next
    reward model smooth the labels, train fewer steps, and set `center_rewards_coefficient=0.01`.

Where the limit comes from
    Catalogue: an expected calibration error in ten bins of equal mass above 0.08 is a warning, above 0.12 high, on at least
    500 pairs, where the lower end of its bootstrap interval lies above the limit too: the error of a perfect model is above 0
    with few pairs. Scores that claim too little are left out (`samples/rm_overconfidence` not above 0): there the model has
    not learned enough yet, and no best-of-n exploits that. Secrets of RLHF II (arXiv 2401.06080) relates miscalibration to
    what PPO makes of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.diagnosis.surely import watch_surely
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """Expected calibration error, and the fewest evaluation pairs; see the manual for the source."""

    warning: float = 0.08
    high: float = 0.12
    pairs: int = 500


LIMITS = Limits()


def applies(info: RunInfo) -> str | None:
    """Reward models."""
    return None if info.algorithm in (None, Algorithm.REWARD) else "this trainer does not train a reward model"


def watch(rows: Rows, _past: None, context: Context) -> Verdict[None]:
    """Each measurement by itself; claims that come true more often than they say are no fault of this kind."""
    limits: Limits = context.limits
    told = watch_surely(
        rows,
        "samples/rm_ece",
        "samples/rm_ece_low",
        "samples/rm_pairs",
        least=limits.pairs,
        rungs=((limits.warning, limits.warning, Severity.WARNING), (limits.high, limits.high, Severity.HIGH)),
    )
    too_sure = rows.column("samples/rm_overconfidence").values[told.at] > 0
    return replace(told, breach=told.breach & too_sure, level=np.where(too_sure, told.level, 0).astype(np.int8))


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    today = info.setting("center_rewards_coefficient")
    count, low = episode.facts["count"], episode.facts["low"]
    advice = [Advice(text="Divide the scores by a temperature fitted on evaluation pairs.")]
    if not today:
        advice.append(set_to(info, "center_rewards_coefficient", "Hold the scores together", "0.01", current=today))
    return Telling(
        summary=f"The reward model's claims and what came true lay {episode.peak:.2g} apart at step {episode.peak_step} "
        f"(calibration error on {count:.0f} pairs, at least {low:.2g}; limit {episode.limit:g}).",
        cause="Margins went on growing after the ranking was learned, or they were fitted to noisy labels.",
        advice=tuple(advice),
    )


RULE = RowRule(
    family=Family.REWARD_MODEL,
    reads=("samples/rm_ece",),
    watch=watch,
    limits=LIMITS,
    fresh=None,
    tell=tell,
    needs=Need.SAMPLES,
    applies=applies,
    close_after=2,
    reopen_within=4,
    ceiling=Severity.HIGH,
    explained_by=("rm-margin-explosion", "rm-overfit"),
)
