"""Replies are cut off before they end.

What it means
    A large share of the sampled replies reached `max_completion_length` without an end token. The reward and every
    verifier see fragments, so the policy is graded on text it had not finished.

Why it happens
    The limit is too low for the task, the policy learned that longer is better, or nothing pays for ending: an end token
    that the reward never sees is an end token the policy forgets.

What to do
    Raise `max_completion_length`, or make the reward pay for ending (`get_soft_overlong_punishment`;
    `missing_eos_penalty` in PPO). Check that the end token of the tokenizer is the one the model was trained with.

Where the limit comes from
    Catalogue of this project: the median of ten logs at 30, 60 and 95 %. Public runs with such shares (an environment
    with 100 % from step 55, one with 90–97 % at a limit of 128 tokens) did not learn; DAPO (arXiv 2503.14476) reports the
    noise that cut replies bring and shapes the reward against it.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis.levels import LevelPast, Rung, scope_rows, watch_levels
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares of truncated replies; see the manual for their source."""

    warning: float = 0.3
    high: float = 0.6
    critical: float = 0.95
    median: int = 10
    at_least: int = 8


LIMITS = Limits()


def applies(info: RunInfo) -> str | None:
    """Only trainers that sample replies."""
    sampling = (None, Algorithm.GRPO, Algorithm.RLOO, Algorithm.PPO, Algorithm.ONLINE_DPO)
    return None if info.algorithm in sampling else "this trainer samples no replies"


def watch(rows: Rows, past: LevelPast, context: Context) -> Verdict[LevelPast]:
    """The median share over the last logs against the three limits."""
    at, share = scope_rows(rows, context)
    rungs = (
        Rung(LIMITS.warning, Severity.WARNING),
        Rung(LIMITS.high, Severity.HIGH),
        Rung(LIMITS.critical, Severity.CRITICAL),
    )
    return watch_levels(share, at, past, rungs, median=LIMITS.median, at_least=LIMITS.at_least)


def tell(episode: Episode, info: RunInfo) -> Telling:
    """The words."""
    limit = info.setting("max_completion_length")
    where = f" at the limit of {limit:g} tokens" if limit else ""
    return Telling(
        summary=f"Up to {percent(episode.peak)} of the replies were cut off{where} (median of {LIMITS.median} logs, "
        f"limit {percent(episode.limit)}).",
        cause="The policy does not end its replies within the allowed length, so the reward grades fragments.",
        advice=(
            Advice(
                text="Allow longer replies",
                parameter="max_completion_length",
                current=limit,
                proposed=f"{2 * limit:g}" if limit else "twice today's value",
            ),
            Advice(text="Make the reward pay for ending a reply, e.g. with TRL's get_soft_overlong_punishment."),
        ),
    )


RULE = RowRule(
    family=Family.LENGTH,
    reads=("completions/clipped_ratio",),
    watch=watch,
    fresh=LevelPast(),
    tell=tell,
    applies=applies,
    window=LIMITS.median,
)
