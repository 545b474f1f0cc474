"""A few wild rewards drive every update.

What it means
    Nearly all rewards lie close together and a few lie far outside anything seen before. Advantages are divided by the
    spread of the rewards, so beside one such reply all others count as equal: the update follows the outliers, and what
    the other replies could teach is lost.

Why it happens
    A reward function without bounds (a ratio with a small denominator, a log of a small number, a length without a cap), a
    reward model fed with text it was never trained on, a parser that reads the wrong number, a scale that changes between
    data sources.

What to do
    Look at the named replies and compute their reward by hand. Bound the reward function, or clip what comes out of it:
    RLOO has `reward_clip_range`, PPO `whiten_rewards`. A negative floor for whatever cannot be parsed is better than a very
    large number.

Where the limit comes from
    Catalogue: the farthest reward lies more than 20 robust spreads (MAD) from the median in 5 of 10 batches, or the top 1 %
    of at least 64 replies hold 30 % of all advantage. It must also lie 5 times farther than in any quiet batch before, and
    pass or fail is left out: rare success is no outlier. Without samples: `reward_std` above 10 times its usual value in 3 of 5
    logs while the mean stays within one spread, for a changed scale moves the mean as well. Bounding rewards is part of
    PPO-max (arXiv 2307.04964).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.format import number, percent
from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.batches import Start, beside, examples, new_batches
from rldk_tui.diagnosis.beside import SmoothPast, held, last_known, smoothed
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n, rolling_median

EXTREME, SPREAD = "samples/reward_extreme", "reward_std"
_ENDLESS = 1e30


@dataclass(frozen=True, slots=True)
class Limits:
    """How far is far; see the manual for the source.

    Attributes:
        spreads: Robust spreads of the batch between its median and its farthest reward.
        farther: Times as far as in any quiet batch before.
        top: Share of all advantage held by the top 1 % of at least `replies`.
        m: Batches out of `n` with any of these.
        times: `reward_std` against its usual value, in `logs_m` of `logs_n` logs.
        usual: Logs that tell what is usual, at least `at_least`.
        of_start: The usual spread is never taken to be less than this part of what it was at the start.
    """

    spreads: float = 20.0
    farther: float = 5.0
    top: float = 0.3
    replies: int = 64
    m: int = 5
    n: int = 10
    times: float = 10.0
    logs_m: int = 3
    logs_n: int = 5
    usual: int = 128
    at_least: int = 20
    of_start: float = 0.5


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class BatchPast:
    """What the samples keep: the batch's mark, the farthest reward of any quiet batch, the flags, and the last word."""

    mark: float = math.nan
    quiet: float = 0.0
    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    said: tuple[float, float] = (0.0, math.nan)


@dataclass(frozen=True, slots=True)
class LogPast:
    """What the log keeps: the usual spread with its start, the usual reward, the flags, and the last word."""

    spreads: Floats = field(default_factory=lambda: NOTHING_YET)
    start: Start = field(default_factory=Start)
    reward: SmoothPast = field(default_factory=SmoothPast)
    latest: float = math.nan
    usual: float = math.nan
    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    said: tuple[float, float] = (0.0, math.nan)


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept of each."""

    batches: BatchPast = field(default_factory=BatchPast)
    logs: LogPast = field(default_factory=LogPast)


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one of the two says at its rows."""

    at: NDArray[np.intp]
    breach: Bools
    trouble: Bools
    value: Floats


def applies(info: RunInfo) -> str | None:
    """Only trainers that score sampled replies."""
    return None if info.algorithm is None or info.algorithm in ONLINE else "this trainer scores no sampled replies"


def _in_batches(rows: Rows, past: BatchPast, limits: Limits) -> tuple[_Heard, BatchPast]:
    """What the rewards of the batches say."""
    at, farthest, mark = new_batches(rows, "samples/reward_farthest", past.mark)
    if not at.size:
        return _Heard(at, np.empty(0, np.bool_), np.empty(0, np.bool_), farthest), replace(past, mark=mark)
    extreme = beside(rows, at, EXTREME, otherwise=0.0)
    wild = extreme > limits.spreads
    quiet = np.maximum.accumulate(np.concatenate(([past.quiet], np.where(wild, 0.0, farthest))))
    top = np.where(beside(rows, at, "samples/count") >= limits.replies, beside(rows, at, "samples/advantage_top_share"), 0.0)
    breach = (wild & (farthest > limits.farther * quiet[:-1])) | (top > limits.top)
    trouble, flags = m_of_n(breach, past.flags, limits.m, limits.n)
    said = (float(trouble[-1]), float(extreme[-1]))
    return _Heard(at, breach, trouble, extreme), BatchPast(mark, float(quiet[-1]), flags, said)


def _in_log(rows: Rows, past: LogPast, limits: Limits, info: RunInfo) -> tuple[_Heard, LogPast]:
    """What the logged spread of the rewards says: each log against those before it."""
    at, spread = finite_rows(rows, SPREAD)
    size, enough = cadence.window(limits.usual, info), cadence.window(limits.at_least, info)
    medians, kept = rolling_median(spread, past.spreads, size, enough)
    start, start_kept = past.start.grown(np.minimum(spread, 1e100), enough)
    usual = np.fmax(np.concatenate(([past.usual], medians))[:-1], limits.of_start * start)
    middle, reward_kept = smoothed(rows, at, "reward", enough, past.reward)
    now, latest = last_known(rows, at, "reward", past.latest)
    still = np.abs(now - middle) <= spread
    breach = (usual > 0) & (spread / limits.times > usual) & still
    trouble, flags = m_of_n(breach, past.flags, *cadence.persistence(limits.logs_m, limits.logs_n, info))
    times = np.full(at.size, np.nan)
    np.divide(spread, usual, out=times, where=usual > 1e-30)
    said = (float(trouble[-1]), float(times[-1])) if at.size else past.said
    last = float(medians[-1]) if at.size else past.usual
    return _Heard(at, breach, trouble, times), LogPast(kept, start_kept, reward_kept, latest, last, flags, said)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """Either of the two in trouble is trouble."""
    limits: Limits = context.limits
    batches, batch_past = _in_batches(rows, past.batches, limits)
    logs, log_past = _in_log(rows, past.logs, limits, context.info)
    at = np.union1d(batches.at, logs.at)
    heard = []
    for one, before in ((batches, past.batches.said), (logs, past.logs.said)):
        trouble, _ = held(one.at, one.trouble.astype(np.float64), at, before[0])
        value, _ = held(one.at, one.value, at, before[1])
        heard.append((trouble > 0, value))
    (by_batch, extreme), (by_log, times) = heard
    breach = np.isin(at, batches.at[batches.breach]) | np.isin(at, logs.at[logs.breach])
    return Verdict(
        at=at,
        breach=breach,
        level=np.where(by_batch | by_log, Severity.WARNING.rank, 0).astype(np.int8),
        value=np.where(by_batch, extreme, times),
        limit=np.where(by_batch, limits.spreads, limits.times),
        past=Past(batch_past, log_past),
        facts={"batches": by_batch.astype(np.float64), "times": times, "extreme": extreme},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    limits: Limits = context.limits
    info = context.info
    seen = examples(context.names(EXTREME, episode.first_step, episode.last_step))
    extreme, times = episode.facts.get("extreme", 0.0), episode.facts.get("times", 0.0)
    if episode.facts.get("batches") and extreme > limits.spreads:
        far = "endlessly far" if extreme > _ENDLESS else f"{number(extreme, 2)} times the usual spread"
        summary = f"At step {episode.detected_step} one reward lay {far} from the median (limit {limits.spreads:g}){seen}."
    elif episode.facts.get("batches"):
        summary = (
            f"From step {episode.first_step} on, the top 1 % of the replies hold over {percent(limits.top)} of all advantage."
        )
    else:
        far = "endless" if times > _ENDLESS else f"{number(times, 2)} times its usual value"
        summary = (
            f"At step {episode.detected_step} the spread of the rewards was {far} (limit {limits.times:g}), "
            f"while their mean hardly moved{seen}."
        )
    return Telling(
        summary=summary,
        cause="A few rewards far outside of all others set the scale of the advantages, so the other replies hardly count.",
        advice=(Advice(text="Compute the farthest rewards by hand, and bound what the reward function returns."), *_clip(info)),
    )


def _clip(info: RunInfo) -> tuple[Advice, ...]:
    """What the trainer itself can do."""
    if info.algorithm is Algorithm.RLOO:
        today = info.config.get("reward_clip_range")
        return (set_to(info, "reward_clip_range", "Clip the rewards", "(-10.0, 10.0)", current=today),)
    if info.algorithm is Algorithm.PPO:
        today = info.config.get("whiten_rewards")
        return (set_to(info, "whiten_rewards", "Whiten the rewards", "True", current=today),)
    return ()


RULE = RowRule(
    family=Family.REWARD,
    reads=(EXTREME, SPREAD),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    needs=Need.SAMPLES,
    window=lambda limits: limits.n,
    ceiling=Severity.WARNING,
    adaptive=True,
    explained_by=("reward-unscorable",),
)
