"""A long run has not raised its reward.

What it means
    Over everything logged so far the reward shows neither a rise nor a fall that noise would not give: what was trained was
    paid for and taught nothing that the reward sees. After a hundred logs that is a remark, after three hundred steps a
    warning. It is not said of a reward near its ceiling, nor where the replies hardly differ in reward: those are other
    rules' findings.

Why it happens
    No gradient reaches the policy (groups without differences, frozen weights, a learning rate far too small), the prompts
    are too hard for any reply to earn anything, the KL term outweighs the reward, or a reward model scores noise.

What to do
    Look first whether the policy moves at all: gradient norm, KL, groups without signal. If it does, try easier prompts, of
    which 20 to 80 % are solved, at least eight replies a prompt (`num_generations`) and three times the `learning_rate`; for
    a format that the model never shows, a few steps of supervised training.

Where the limit comes from
    Catalogue: Mann and Kendall's test over the whole run, thinned to 256 means at most, finds no trend, and Sen's slope over
    the run is less than a quarter of the reward's spread; from 100 logs and a tenth of the planned steps on, and anew
    whenever the run has become a quarter longer. TRL's training FAQ and TRL issue 193 ask for the reward model to be
    inspected then. The warning waits for 300 steps, which is what practice gives a run to begin to learn, also where half
    of a short budget is gone: so few steps prove little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis.beside import SmoothPast, held, smoothed
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.spread import TO_SIGMA
from rldk_tui.statistics.thinned import ThinnedPast, means, thinned
from rldk_tui.statistics.trend import MATERIAL, SIGNIFICANT, trends
from rldk_tui.statistics.windows import NOTHING_YET, Floats


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        logs: The fewest that are judged, and `budget` the share of the planned steps.
        gain: The move over the run, in spreads of the reward, below which it is none.
        steps: From which it is a warning.
        apart: A spread below this share of the reward is too small to learn from.
        ceiling: A reward of 0 to 1 from here on is at its ceiling.
    """

    logs: int = 100
    budget: float = 0.1
    gain: float = 0.25
    steps: int = 300
    apart: float = 0.02
    ceiling: float = 0.9
    longer: float = 1.25


LIMITS = Limits()
_ONE_STORY = 10**9
"""It speaks of the run as a whole: when it speaks again it goes on."""
_SPREAD_LOGS = 32
_FIRST = 5
"""Rewards that say where the run began."""
_PARTS = 8
"""Of the run; a rise that came early and stayed shows in the best of them, and in no trend over all."""
_REPLIES = 8


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: the run thinned, its first rewards, which log the next test is due at, and the last test's word."""

    totals: ThinnedPast = field(default_factory=ThinnedPast)
    start: Floats = field(default_factory=lambda: NOTHING_YET)
    spread: SmoothPast = field(default_factory=SmoothPast)
    due: int = 0
    said: tuple[float, float, float] = (math.nan, math.nan, math.nan)


def applies(info: RunInfo) -> str | None:
    """Trainers that raise a reward."""
    return None if info.algorithm is None or info.algorithm in ONLINE else "this trainer raises no reward of sampled replies"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """Whether the whole run so far has raised the reward, asked whenever it has become a quarter longer."""
    limits: Limits = context.limits
    at, totals = finite_rows(rows, "reward")
    spreads, spread_past = smoothed(rows, at, "reward_std", _SPREAD_LOGS, past.spread)
    kept, start, due = past.totals, past.start, past.due or limits.logs
    place, tests, words = 0, [], []
    while kept.seen + totals.size - place >= due:
        upto = place + due - kept.seen
        start = _start(start, totals[place:upto], kept)
        kept = thinned(totals[place:upto], kept)
        tests.append(upto - 1)
        words.append(_word(means(kept), start, float(spreads[upto - 1]), limits))
        place, due = upto, math.ceil(due * limits.longer)
    start = _start(start, totals[place:], kept)
    kept = thinned(totals[place:], kept)
    where, everywhere = np.array(tests, np.intp), np.arange(at.size)
    flat, last_flat = held(where, np.array([word[0] for word in words]), everywhere, past.said[0])
    level, last_level = held(where, np.array([word[1] for word in words]), everywhere, past.said[1])
    move, last_move = held(where, np.array([word[2] for word in words]), everywhere, past.said[2])
    trained = rows.steps[at] - context.info.first_step
    ready = (flat == 1.0) & (trained >= limits.budget * (context.info.max_steps or 0))
    rank = np.where(trained >= limits.steps, Severity.WARNING.rank, Severity.INFO.rank)
    return Verdict(
        at=at,
        breach=ready,
        level=np.where(ready, rank, 0).astype(np.int8),
        value=level,
        limit=np.zeros(at.size),
        past=Past(kept, start, spread_past, due, (last_flat, last_level, last_move)),
        facts={"move": move, "spread": spreads, "logs": (past.totals.seen + 1 + everywhere).astype(np.float64)},
    )


def _start(start: Floats, values: Floats, before: ThinnedPast) -> Floats:
    """The first few rewards of all, those of `values` added."""
    wanted = max(0, _FIRST - before.seen)
    return np.concatenate((start, values[:wanted])) if wanted else start


def _word(values: Floats, start: Floats, spread: float, limits: Limits) -> tuple[float, float, float]:
    """1 where these means show no rise and no fall, their last level, and the move that Sen's slope makes of them."""
    trend = trends(values[None, :])
    move = float(trend.slope[0]) * values.size
    parts = np.array([part.mean() for part in np.array_split(values, _PARTS)])
    level = float(parts[-1])
    size = MATERIAL * 2 * TO_SIGMA * float(trend.deviation[0]) if math.isnan(spread) else spread
    apart = size > limits.apart * abs(level)
    met = limits.ceiling <= level <= 1.0 and float(values.max()) <= 1.0
    best = float(parts.max()) - float(start.mean())
    still = abs(float(trend.z[0])) <= SIGNIFICANT and max(abs(move), best) < limits.gain * size
    return float(still and apart and not met), level, move


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info, facts = context.info, episode.facts
    replies, rate = info.setting("num_generations"), info.setting("learning_rate")
    more = () if info.algorithm is Algorithm.PPO or (replies or 0) >= _REPLIES else (
        set_to(info, "num_generations", "Compare more replies a prompt", f"{_REPLIES}", current=replies),
    )  # fmt: skip
    faster = f"{3 * rate:.2g}" if rate else "three times today's value"
    spread = f", of rewards that differ by {facts['spread']:.3g} in a batch" if "spread" in facts else ""
    return Telling(
        summary=f"After {facts['logs']:.0f} logs the reward has not risen: it stands at {episode.peak:.3g}, and its trend over "
        f"the run so far makes {facts['move']:+.2g}{spread}.",
        cause="What the policy is paid for does not reach it, is out of its reach, or does not depend on what it writes.",
        advice=(
            Advice(text="See first whether the policy moves at all: gradient norm, KL, groups without signal."),
            Advice(text="Train on prompts that the policy solves in 20 to 80 % of its replies."),
            *more,
            set_to(info, "learning_rate", "If the policy barely moves, learn faster", faster, current=rate),
        ),
    )


RULE = RowRule(
    family=Family.REWARD,
    reads=("reward",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    close_after=1,
    reopen_within=_ONE_STORY,
    ceiling=Severity.WARNING,
    explained_by=(
        "kl-negative",
        "reward-unscorable",
        "zero-variance-groups",
        "nothing-trainable",
        "lr-zero",
        "truncation",
        "policy-not-moving",
        "dead-gradient",
        "entropy-collapse",
        "all-completions-masked",
        "kl-penalty-dominates",
        "reward-component-dead",
    ),
)
