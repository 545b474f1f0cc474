"""The reward pays for length.

What it means
    Among the replies to one prompt the longer ones score higher, and most of what the reward has gained is what longer
    replies alone would have brought. The policy is paid for words; whether they are better words nobody knows, and
    replies that reach the length limit are cut off.

Why it happens
    Reward models prefer long answers, rules that count matches find more of them in more text, and a sum over tokens or
    sentences grows by itself. A loss normalised per reply (`loss_type="grpo"`) adds to it, for it is lenient on long wrong
    replies.

What to do
    Divide what is counted by the length, add a length penalty or TRL's `get_soft_overlong_punishment`, train with
    `loss_type="dr_grpo"` or `"dapo"`, or use a reward model that was corrected for length. Compare short and long
    replies of the same quality by hand.

Where the limit comes from
    Catalogue: Spearman's correlation within prompts, averaged over at least 25 groups and 200 replies (Fisher's z), above 0.35
    with its lower 95 % bound above 0.2, is a warning; above 0.5 with rising length it is high. Reasoning gets
    longer for good reasons, so more than half of the gain in reward must be explained: slope within prompts times the growth
    in length. Singhal et al. (arXiv 2310.03716) found 70 to 90 % of the gain of PPO on reward models to be length.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis.batches import Start, beside, examples, new_batches, total
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.trend import DirectionPast, rolling_direction
from rldk_tui.statistics.windows import NOTHING_YET, Floats, rolling, rolling_mean

LENGTH = "samples/length_mean"
_SUMS = (
    "samples/length_reward_groups",
    "samples/length_reward_z",
    "samples/length_reward_weight",
    "samples/length_reward_covariance",
    "samples/length_variance",
)
_BOUND = 1.96
_SPEARMAN = 1.06
"""Variance of Fisher's z of a rank correlation, times n − 3 (Fieller et al., 1957)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Rank correlations; see the manual for the source.

    Attributes:
        sure: What the lower 95 % bound must exceed.
        explained: Share of the gain in reward that length must explain.
        groups: Fewest groups, and `replies` in them.
        batches: Batches that are added up.
        start: Batches that tell how long replies were and what they scored; the newest as many tell how it is now.
    """

    warning: float = 0.35
    high: float = 0.5
    sure: float = 0.2
    explained: float = 0.5
    groups: int = 25
    replies: int = 200
    batches: int = 48
    start: int = 5


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: the sums of the last batches, the starts and the last values of length and reward."""

    mark: float = math.nan
    sums: tuple[Floats, ...] = (NOTHING_YET,) * len(_SUMS)
    starts: tuple[Start, Start] = (Start(), Start())
    now: tuple[Floats, Floats] = (NOTHING_YET, NOTHING_YET)
    direction: DirectionPast = field(default_factory=DirectionPast)


def applies(info: RunInfo) -> str | None:
    """Only trainers that score sampled replies."""
    return None if info.algorithm is None or info.algorithm in ONLINE else "this trainer scores no sampled replies"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The correlation over the last batches, and how much of the gain since the start it explains."""
    limits: Limits = context.limits
    at, length, mark = new_batches(rows, LENGTH, past.mark)
    reward = beside(rows, at, "samples/reward_mean", otherwise=0.0)
    summed = [
        rolling(beside(rows, at, name, otherwise=0.0), kept, limits.batches, 1, total)
        for name, kept in zip(_SUMS, past.sums, strict=True)
    ]
    groups, z, weight, covariance, variance = (series for series, _ in summed)
    enough = (groups >= limits.groups) & (weight + 3.0 * groups >= limits.replies) & (weight >= 1.0) & (variance > 1e-9)
    fisher, error, slope = np.zeros(at.size), np.full(at.size, np.inf), np.zeros(at.size)
    np.divide(z, weight, out=fisher, where=enough)
    np.divide(_SPEARMAN, weight, out=error, where=enough)
    np.divide(covariance, variance, out=slope, where=enough)
    rho, lower = np.tanh(fisher), np.tanh(fisher - _BOUND * np.sqrt(error))
    starts = [start.grown(values, limits.start) for start, values in zip(past.starts, (length, reward), strict=True)]
    nows = [
        rolling_mean(values, kept, limits.start, limits.start) for values, kept in zip((length, reward), past.now, strict=True)
    ]
    longer, gain = nows[0][0] - starts[0][0], nows[1][0] - starts[1][0]
    explained = np.zeros(at.size)
    np.divide(np.clip(slope, -1e30, 1e30) * longer, gain, out=explained, where=(gain > 1e-9) & (longer > 0))
    coupled = enough & (rho > limits.warning) & (lower > limits.sure) & (explained > limits.explained)
    rising, direction = rolling_direction(length, past.direction)
    level = graded([coupled & (rho > limits.high) & (rising > 0), coupled], [Severity.HIGH.rank, Severity.WARNING.rank])
    return Verdict(
        at=at,
        breach=coupled,
        level=level,
        value=length,
        limit=np.full(at.size, np.nan),
        past=Past(
            mark,
            tuple(kept for _, kept in summed),
            (starts[0][1], starts[1][1]),
            (nows[0][1], nows[1][1]),
            direction,
        ),
        facts={"rho": rho, "explained": np.minimum(explained, 1.0), "before": starts[0][0], "now": nows[0][0]},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    limits: Limits = context.limits
    info = context.info
    rho, explained = episode.facts.get("rho", math.nan), episode.facts.get("explained", math.nan)
    before, now = episode.facts.get("before", math.nan), episode.facts.get("now", math.nan)
    seen = examples(context.names("samples/length_reward_z", episode.detected_step, episode.last_step)[:1])
    return Telling(
        summary=f"Longer replies score higher: within prompts the rank correlation of length and reward was {rho:.2f} at step "
        f"{episode.detected_step} (limit {limits.warning:g}), and length explains {percent(explained)} of the gain in reward"
        f"{seen}.",
        cause=f"The reward pays for length: replies grew from {before:.3g} to {now:.3g}, and the reward with them.",
        advice=(
            Advice(
                text="Compare a short and a long reply of the same quality by hand, and pay for quality a word, not for words."
            ),
            Advice(text="Add a length penalty, e.g. TRL's get_soft_overlong_punishment."),
            *_loss(info),
        ),
    )


def _loss(info: RunInfo) -> tuple[Advice, ...]:
    """The loss that is lenient on long wrong replies, where it is in use."""
    if info.algorithm is not Algorithm.GRPO or info.config.get("loss_type") != "grpo":
        return ()
    return (set_to(info, "loss_type", "Use a loss that is not lenient on long replies", "dr_grpo", current="grpo"),)


RULE = RowRule(
    family=Family.REWARD,
    reads=(LENGTH,),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    needs=Need.SAMPLES,
    ceiling=Severity.HIGH,
)
