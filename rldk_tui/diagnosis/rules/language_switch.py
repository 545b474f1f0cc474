"""Replies switch to another script than their prompt.

What it means
    Prompts are written in one script (Latin, Cyrillic, Chinese ...) and a growing share of the replies in another. To most
    readers such a reply is worth nothing, but a verifier that only checks the final answer never notices, so the reward
    does not fall.

Why it happens
    Nothing in the reward asks for the prompt's language, and the base model thinks more cheaply in another one. Training
    on verified answers alone is known to mix languages; a policy that drifted far from its reference does so too.

What to do
    Add a reward for language consistency (the share of the reply in the prompt's language), or fine-tune on replies in the
    right language first. Set `beta` above 0 to hold the policy near a reference that answers in the prompt's language.

Where the limit comes from
    Catalogue: more than 10 % of at least 64 replies, and three times the share of the first batches, is a warning; more
    than 30 % is high. Tasks of translation switch from the start and stay silent. DeepSeek-R1 (arXiv 2501.12948) reports
    the mixing and the consistency reward against it; open-r1 issue 683 shows it. Texts of few letters have no script.
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
    """Shares of replies in another script; see the manual for the source.

    Attributes:
        times_start: How many times the share of the first `start` batches it must be.
        batches: Batches that are pooled, at least `at_least` of them and `replies` replies.
    """

    warning: float = 0.1
    high: float = 0.3
    times_start: float = 3.0
    start: int = 5
    batches: int = 8
    at_least: int = 3
    replies: int = 64


LIMITS = Limits()


def watch(rows: Rows, past: SharePast, context: Context) -> Verdict[SharePast]:
    """The pooled share against two limits and the run's own start."""
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
    return share_verdict(found, rungs, limits.times_start * found.at_start, kept)


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    before = episode.facts.get("at_start", 0.0)
    seen = examples(context.names(context.scope, episode.first_step, episode.last_step))
    return Telling(
        summary=f"Up to {percent(episode.peak)} of the replies are written in another script than their prompt "
        f"(limit {percent(episode.limit)}, {percent(before)} in the first batches){seen}.",
        cause="The reward does not ask for the prompt's language, so the policy drifts into the one that comes cheapest.",
        advice=(
            Advice(text="Add a reward for the share of the reply that is in the prompt's language."),
            kl.raise_penalty(context.info),
        ),
    )


RULE = RowRule(
    family=Family.TEXT,
    reads=("samples/script_mismatch",),
    watch=watch,
    limits=LIMITS,
    fresh=SharePast(),
    tell=tell,
    needs=Need.SAMPLES,
    window=lambda limits: limits.batches,
    ceiling=Severity.HIGH,
    explained_by=("kl-too-high", "kl-control-lost", "lr-out-of-band", "gibberish"),
)
