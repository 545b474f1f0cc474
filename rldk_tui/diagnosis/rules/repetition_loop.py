"""Replies run in circles.

What it means
    A growing share of the replies ends by repeating itself: the same word, phrase or paragraph over and over. Such text is
    useless to a reader, costs the full length limit in time, and a reward that counts words or matches phrases may even
    like it, which is why the reward often looks well while this happens.

Why it happens
    The reward pays for something that repetition buys (keywords, length, a phrase), nothing holds the policy near its
    reference, the entropy is spent, or an update broke the policy. A model that was small or badly fine-tuned may also have
    looped from the start: that is taken as this run's habit.

What to do
    Read the named replies beside their rewards. If they are paid for, change the reward: add TRL's
    `get_repetition_penalty_reward` or pay per distinct hit. Set `beta` above 0, lower the length limit, and go back to a
    checkpoint from before the loops.

Where the limit comes from
    Catalogue: a reply loops if its last kilobyte compresses better than 2.4 to 1 (Whisper's compression_ratio_threshold,
    set on pieces of that size) or more than half of its 4-grams come again (seq-rep-4, Welleck et al., arXiv 1908.04319).
    A share above 20 % is a warning, above 50 % high, if 15 points above the share of the first batches: code and tables
    repeat themselves by nature.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import kl
from rldk_tui.diagnosis.batches import SharePast, examples, pooled_shares, share_verdict
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares of looping replies; see the manual for the source.

    Attributes:
        above_start: How far the share must lie above that of the first `start` batches.
        batches: Batches that are pooled, at least `at_least` of them and `replies` replies.
    """

    warning: float = 0.2
    high: float = 0.5
    above_start: float = 0.15
    start: int = 5
    batches: int = 8
    at_least: int = 3
    replies: int = 32


LIMITS = Limits()


def watch(rows: Rows, past: SharePast, context: Context) -> Verdict[SharePast]:
    """The pooled share of looping replies against two limits and the run's own start."""
    limits: Limits = context.limits
    found, kept = pooled_shares(
        rows,
        context.scope,
        past,
        batches=limits.batches,
        at_least=limits.at_least,
        replies=limits.replies,
        start=limits.start,
    )
    rungs = {Severity.WARNING: limits.warning, Severity.HIGH: limits.high}
    return share_verdict(found, rungs, found.at_start + limits.above_start, kept)


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    before = episode.facts.get("at_start", 0.0)
    seen = examples(context.names(context.scope, episode.first_step, episode.last_step))
    return Telling(
        summary=f"Up to {percent(episode.peak)} of the replies repeat themselves to the end "
        f"(limit {percent(episode.limit)}, {percent(before)} in the first batches){seen}.",
        cause="Repetition is paid for by the reward, or the policy has lost the ability to go on in any other way.",
        advice=(
            Advice(text="Read the looping replies beside their rewards; if they score well, the reward pays for repetition."),
            Advice(text="Penalise repetition, e.g. with TRL's get_repetition_penalty_reward."),
            kl.raise_penalty(context.info),
            Advice(text=f"Go back to a checkpoint from before step {episode.first_step}."),
        ),
    )


RULE = RowRule(
    family=Family.TEXT,
    reads=("samples/repeating",),
    watch=watch,
    limits=LIMITS,
    fresh=SharePast(),
    tell=tell,
    needs=Need.SAMPLES,
    window=lambda limits: limits.batches,
    ceiling=Severity.HIGH,
    explained_by=(
        "proxy-gold-divergence",
        "entropy-collapse",
        "lr-out-of-band",
        "lr-jump",
        "kl-too-high",
        "kl-control-lost",
        "update-too-large",
    ),
)
