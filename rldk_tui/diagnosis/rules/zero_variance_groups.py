"""All replies to a prompt score the same.

What it means
    GRPO and RLOO learn from differences between the replies to one prompt. Where all of them score the same the advantage
    is zero: the prompt was sampled, scored and paid for, and teaches nothing. With most groups like that, the effective
    batch is a fraction of the configured one; with all of them, only the KL term moves the weights. Where the reward rose to
    its ceiling little by little, and the replies still differ, the task is solved: that is only a remark.

Why it happens
    The reward is a constant (a broken reward function, a parser that never matches); the prompts are all too easy or all too
    hard; the replies are all alike because the entropy is spent or the temperature too low; or there are too few replies a
    prompt for any of them to differ.

What to do
    Score two very different replies by hand with the reward function. Where the reward is a constant that is all there is to
    do: more replies of one score teach nothing either. Otherwise leave out prompts whose replies always all pass or all
    fail, raise `num_generations`, sample at `temperature=1.0`, and prefer a graded reward to pass or fail. When the task is
    solved, stop, or go on with harder prompts.

Where the limit comes from
    Catalogue: the mean share over the last ten logs and at least 16 groups above 80 % is high, above 95 % critical; above 50 %
    for 50 logs a warning. A spread of exactly zero in 15 of 20 logs is high whatever the share says: with `beta` above 0
    RLOO's share stays 0 for a constant reward, because the KL enters it. Solved means a reward of 0.9 to 1 that rose by 0.1,
    from groups that had differences until then, at an entropy above 0.5 nat/token and with replies that end. DAPO
    (arXiv 2503.14476) filters such groups out; TRL issue 3857 shows the logs of a run that consisted of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.beside import held, last_known
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.solved import SolvedPast, solved
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n, rolling_mean

SHARE, SPREAD = "frac_reward_zero_std", "reward_std"


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares of groups without signal; see the manual for the source.

    Attributes:
        pooled: Logs over which the share is averaged, and `groups` the fewest groups in them.
        lasting: Logs in a row in which the average must lie above `warning`.
        zero: A spread below this is none: what TRL itself takes for zero (`torch.isclose`).
    """

    warning: float = 0.5
    high: float = 0.8
    critical: float = 0.95
    pooled: int = 10
    groups: int = 16
    lasting: int = 50
    zero: float = 1e-8
    m: int = 15
    n: int = 20


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class ConstantPast:
    """What `_constant` keeps: the flags of its logs, the last mean reward, and what it said last."""

    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    reward: float = math.nan
    said: float = math.nan


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `before` is the pooled share at the last log in which any two rewards differed."""

    shares: Floats = field(default_factory=lambda: NOTHING_YET)
    lasting: Floats = field(default_factory=lambda: NOTHING_YET)
    zeros: Floats = field(default_factory=lambda: NOTHING_YET)
    constant: ConstantPast = field(default_factory=ConstantPast)
    said: tuple[float, float, float] = (0.0, math.nan, 0.0)
    before: float = math.nan
    solved: SolvedPast = field(default_factory=SolvedPast)


def _rungs(limits: Limits) -> dict[Severity, float]:
    return {Severity.WARNING: limits.warning, Severity.HIGH: limits.high, Severity.CRITICAL: limits.critical}


def applies(info: RunInfo) -> str | None:
    """Trainers that compare the replies to one prompt."""
    return None if info.algorithm is None or info.algorithm in GROUPED else "this trainer compares no groups of replies"


def groups_a_log(info: RunInfo) -> int:
    """The fewest groups one log can speak of; 1 where the config does not tell, or where the batch counts as one group."""
    replies = info.setting("num_generations")
    batch = info.setting("generation_batch_size")
    if batch is None:
        sizes = [info.setting(name) for name in ("per_device_train_batch_size", "gradient_accumulation_steps")]
        batch = math.prod(size or 1.0 for size in sizes) * info.world_size
    if not replies or replies < 1 or info.config.get("scale_rewards") == "batch":
        return 1
    return max(1, int(batch // replies))


def _constant(
    rows: Rows, at: NDArray[np.intp], spreads: Floats, logs: int, past: ConstantPast, limits: Limits
) -> tuple[Floats, ConstantPast]:
    """1 where all rewards of the last logs were one number: none of them has a spread, and the mean did not move."""
    means, _ = last_known(rows, at, "reward", past.reward)
    before = np.concatenate(([past.reward], means))[:-1]
    still = ~(np.abs(means - before) > limits.zero)  # True where either is not known
    same, flags = m_of_n((np.abs(spreads) < limits.zero) & still, past.flags, logs, logs)
    said = same.astype(np.float64)
    latest = float(means[-1]) if means.size else past.reward
    return said, ConstantPast(flags, latest, float(said[-1]) if said.size else past.said)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The share of groups without signal, pooled; beside it, how often the spread of all rewards was zero."""
    limits: Limits = context.limits
    info = context.info
    pooled = max(cadence.window(limits.pooled, info), math.ceil(limits.groups / groups_a_log(info)))
    with_share, shares = finite_rows(rows, SHARE)
    mean, kept = rolling_mean(np.clip(shares, 0.0, 1.0), past.shares, pooled, pooled)
    logs = cadence.window(limits.lasting, info)
    lasts, lasting = m_of_n(mean > limits.warning, past.lasting, logs, logs)
    share_level = graded(
        [mean > limits.critical, mean > limits.high, lasts], [Severity.CRITICAL.rank, Severity.HIGH.rank, Severity.WARNING.rank]
    ).astype(np.float64)
    with_spread, spreads = finite_rows(rows, SPREAD)
    one_score, constant = _constant(rows, with_spread, spreads, cadence.window(limits.pooled, info), past.constant, limits)
    often, zeros = m_of_n(np.abs(spreads) < limits.zero, past.zeros, *cadence.persistence(limits.m, limits.n, info))
    spread_level = np.where(often, float(Severity.HIGH.rank), 0.0)
    at = np.union1d(with_share, with_spread)
    constantly, _ = held(with_spread, one_score, at, past.constant.said)
    by_share, said_level = held(with_share, share_level, at, past.said[0])
    value, said_mean = held(with_share, mean, at, past.said[1])
    by_spread, said_spread = held(with_spread, spread_level, at, past.said[2])
    level, rungs = np.maximum(by_share, by_spread), _rungs(limits)
    differing = np.abs(spreads) >= limits.zero
    shared, _ = held(with_share, mean, with_spread[differing], past.said[1])
    before, last_before = held(with_spread[differing], shared, at, past.before)
    task_solved, solved_past = solved(rows, at, past.solved)
    done = task_solved & (before > limits.warning)
    here = rows.column(SHARE), rows.column(SPREAD)
    breach = (here[0].finite[at] & (here[0].values[at] > limits.warning)) | (
        here[1].finite[at] & (np.abs(here[1].values[at]) < limits.zero)
    )
    return Verdict(
        at=at,
        breach=breach,
        level=np.where(done, np.minimum(level, Severity.INFO.rank), level).astype(np.int8),
        value=np.where(by_spread > by_share, 1.0, value),
        limit=np.select([level == severity.rank for severity in rungs], list(rungs.values()), limits.high),
        past=Past(kept, lasting, zeros, constant, (said_level, said_mean, said_spread), last_before, solved_past),
        facts={
            "share": value,
            "hidden": (by_spread > by_share).astype(np.float64),
            "constant": constantly,
            "solved": done.astype(np.float64),
        },
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    hidden = episode.facts.get("hidden") == 1.0
    if hidden:
        summary = f"The rewards of the whole batch were exactly equal in most logs from step {episode.first_step} on."
    else:
        first, last = episode.first_step, episode.last_step
        when = f"From step {first} on" if episode.open else f"In steps {first}–{last}"
        summary = (
            f"{when}, up to {percent(episode.peak)} of the groups had replies that all scored "
            f"the same (limit {percent(_rungs(limits).get(episode.severity, episode.limit))})."
        )
    if episode.severity is Severity.INFO and episode.facts.get("solved") == 1.0:
        return Telling(summary=summary, cause=_SOLVED, advice=_WHEN_SOLVED)
    constant = episode.facts.get("constant") == 1.0
    if constant:
        cause = "Every reply to every prompt got the same number, so there is nothing to prefer."
    else:
        cause = "All replies to a prompt get one reward, so there is nothing to prefer."
    if hidden and episode.facts.get("share", 1.0) <= limits.warning:
        cause += f" {SHARE} does not show it here: the KL term in RLOO's reward keeps it at 0."
    differ = Advice(text="Leave out prompts whose replies all pass or all fail, and prefer a graded reward.")
    return Telling(
        summary=summary,
        cause=cause,
        advice=(
            Advice(text="Score two very different replies by hand: if they score the same, mend the reward function."),
            *(() if constant else (differ, *_more_differences(info))),
        ),
    )


_SOLVED = "The task is nearly solved: the reward rose to its ceiling, so most prompts are met by every reply."
_WHEN_SOLVED = (
    Advice(text="Stop here if the replies are good: what follows trains on few prompts."),
    Advice(text="Or go on with harder prompts, and leave out those that every reply solves."),
)


def _more_differences(info: RunInfo) -> tuple[Advice, ...]:
    """More replies a prompt, sampled more freely where the temperature narrows them."""
    today, temperature = info.setting("num_generations"), info.setting("temperature")
    more = set_to(info, "num_generations", "Compare more replies a prompt", f"{2 * today:g}" if today else "16", current=today)
    if temperature is None or temperature >= 1.0:
        return (more,)
    return more, Advice(text="Sample more freely", parameter="temperature", current=temperature, proposed="1.0")


RULE = RowRule(
    family=Family.ADVANTAGE,
    reads=(SHARE, SPREAD),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.n,
    explained_by=(
        "lr-jump",
        "lr-out-of-band",
        "update-too-large",
        "ppo-ratio-extreme",
        "generation-config-risk",
        "entropy-collapse",
        "truncation",
    ),
)
