"""The reward has fallen back from its best, and stays down.

What it means
    The run had learned something and lost it again: the median reward of the last logs lies far below the best it ever was,
    by more than the noise of this run explains. It is critical when most of what was gained is gone, or when the reward is
    below where it began. Steps since the onset are waste; only a fall counts, never a rise.

Why it happens
    Updates too large (learning rate, off-policy data), after which the policy writes text the reward cannot grade; a KL that
    ran away; a reward that changed its meaning (another scale, another sign, a judge that fails); collapse of the entropy.
    When the reward fell from one epoch of the data to the next and not within one, other prompts may be all there is to it:
    that is only a remark, or high where most of the gain is gone.

What to do
    Compare completions from before and after the onset. Go back to the last checkpoint before it, lower `learning_rate` to a
    third or a tenth (at most 1e-6 for all weights), set `beta` above 0 and `max_grad_norm` to 0.2. If KL and entropy did
    not move while the reward fell, look at the reward function, not at the optimizer.

Where the limit comes from
    Catalogue: the median of ten logs below its best by four times the noise and by a quarter of the gain, in eight of ten
    logs; critical when more than 60 % of the gain is lost. Eight such medians are what a one-sided CUSUM with k = 1 and h = 10
    asks for: 8 x (4 - 1) > 10. The noise is 1.4826 MAD of 50 logs about their trend at the best, widened by
    sqrt((1+r)/(1-r)) for their lag-1 correlation r; on flat and on learning curves with normal, Student and lognormal noise
    and r up to 0.6 it raises no alarm in 216,000 simulated logs (this rule's own test). Falls of that
    kind: open-r1 issue 257, ms-swift issue 6550, DeepSpeedExamples issue 586, and
    a public run at 5e-5 whose accuracy went from 57 to 2.4 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import blame, cadence, kl
from rldk_tui.diagnosis.beside import held
from rldk_tui.diagnosis.epochs import EpochPast, best_of_epoch
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.warm_up import warmed_up
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.spread import noise_about_trend
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n, rolling_median, windows


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        noises: How many times the noise the median must lie below its best.
        gain: And what share of the gain must be lost; `critical` is the share from which it is critical.
        at_least: Logs before anything is said.
    """

    noises: float = 4.0
    gain: float = 0.25
    critical: float = 0.6
    median: int = 10
    noise: int = 50
    m: int = 8
    n: int = 10
    at_least: int = 20


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Best:
    """The best median so far, the first one, and the noise when the best was reached; NaN while unknown."""

    height: float = math.nan
    start: float = math.nan
    noise: float = math.nan


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept."""

    seen: int = 0
    values: Floats = field(default_factory=lambda: NOTHING_YET)
    recent: Floats = field(default_factory=lambda: NOTHING_YET)
    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    best: Best = field(default_factory=Best)
    epoch: EpochPast = field(default_factory=EpochPast)
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def applies(info: RunInfo) -> str | None:
    """Trainers that raise a reward."""
    return None if info.algorithm is None or info.algorithm in ONLINE else "this trainer raises no reward of sampled replies"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The median reward below its best."""
    limits: Limits = context.limits
    info = context.info
    at, reward = finite_rows(rows, "reward")
    size = cadence.window(limits.median, info)
    counts = past.seen + 1 + np.arange(at.size)
    ready = warmed_up(rows.steps[at], counts, cadence.window(limits.at_least, info), info)
    middle, recent = rolling_median(reward, past.recent, size, size)
    view, values = windows(reward, past.values, cadence.window(limits.noise, info))
    height, start, noise, best = _best(middle, view, ready, past.best)
    gain, drop = height - start, height - middle
    fall = np.maximum(limits.noises * noise, limits.gain * gain)
    low = drop > fall
    m, n = cadence.persistence(limits.m, limits.n, info)
    fallen, flags = m_of_n(low, past.flags, m, n)
    material = (gain >= limits.noises * noise) | (middle < start - limits.noises * noise)
    lost = fallen & material & (drop > limits.critical * gain)
    here, other_data, epoch = best_of_epoch(rows, at, counts, middle, size, past.epoch)
    excused = other_data & ~(here - middle > fall)
    level = graded(
        [lost & ~excused, lost | (fallen & ~excused), fallen], [Severity.CRITICAL.rank, Severity.HIGH.rank, Severity.INFO.rank]
    )
    facts, rate = blame.learning_rates(rows, at, past.rate)
    return Verdict(
        at=at,
        breach=(reward < height - fall) | low,
        level=level,
        value=middle,
        limit=height - fall,
        past=Past(past.seen + at.size, values, recent, flags, best, epoch, rate),
        facts={**facts, "best": height, "start": start, "excused": excused.astype(np.float64)},
    )


def _best(middle: Floats, view: Floats, ready: Bools, past: Best) -> tuple[Floats, Floats, Floats, Best]:
    """The best median, the first one, and the noise at the best, at each row."""
    heights = np.fmax.accumulate(np.concatenate(([past.height], middle)))
    known = np.concatenate(([past.start], middle))
    first = np.flatnonzero(~np.isnan(known))
    start = np.full(middle.size, np.nan)
    if first.size:
        start[max(0, int(first[0]) - 1) :] = known[first[0]]
    due = ready & ~(middle <= heights[:-1])
    if math.isnan(past.noise) and ready.any():
        due[int(np.argmax(ready))] = True
    where = np.flatnonzero(due)
    noise, latest = held(where, noise_about_trend(view[where]), np.arange(middle.size), past.noise)
    begun = float(known[first[0]]) if first.size else math.nan
    return heights[1:], start, noise, Best(float(heights[-1]), begun, latest)


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    best, start = episode.facts.get("best", math.nan), episode.facts.get("start", math.nan)
    return Telling(
        summary=f"Reward fell from its best of {best:.3g} to {episode.peak:.3g} by step {episode.peak_step} (median of "
        f"{cadence.window(limits.median, info)} logs, limit {episode.limit:.3g}; it began at {start:.3g}).",
        cause=blame.cause(episode, info) or _without_rate(episode),
        advice=(
            Advice(text=f"Go back to the last checkpoint before step {episode.first_step}."),
            blame.lower_learning_rate(episode, info),
            kl.raise_penalty(info),
        ),
    )


def _without_rate(episode: Episode) -> str:
    """The cause where the learning rate is not to blame."""
    if episode.facts.get("excused") == 1.0:
        return "The fall came with a new epoch of the data: other prompts may be all there is to it."
    return "Either the policy broke (KL or entropy moved first) or the reward changed its meaning (they did not)."


RULE = RowRule(
    family=Family.REWARD,
    reads=("reward",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.median + limits.n - 1,
    worst=np.argmin,
    explained_by=(
        "zero-variance-groups",
        "reward-shift",
        "lr-jump",
        "lr-out-of-band",
        "update-too-large",
        "ppo-ratio-extreme",
        "kl-control-lost",
        "kl-too-high",
        "entropy-collapse",
        "rollout-mismatch",
        "nan-step-masked",
    ),
)
