"""Replies contain the chat template's own tokens as text.

What it means
    Markers such as `<|im_start|>`, `[INST]` or a second speaker's `Human:` stand inside replies. The policy writes the
    template instead of ending its turn, and reward functions and verifiers grade text that no user should ever see. What
    follows the first marker is usually an invented next turn.

Why it happens
    The chat template of the prompts is not the one the model was trained with; the end token of the tokenizer is not the
    template's end-of-turn token, so generation runs on into another turn; or the markers are no special tokens of this
    tokenizer and are therefore written as plain text.

What to do
    Render one prompt and read it token by token. Set `chat_template_path` and `eos_token` to the model's own, add the
    end-of-turn token to the stop tokens of generation, and make sure that the markers are single tokens.

Where the limit comes from
    Catalogue: markers in more than 5 % of the replies are a warning, in more than 30 % high, over at least 32 replies.
    Markers at the very end of a reply are left out: some tokenizers keep the end token when they decode. The documentation
    of TRL on chat templates describes both mistakes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis.batches import SharePast, examples, pooled_shares, share_verdict
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares of replies with template tokens; see the manual for the source.

    Attributes:
        batches: Batches that are pooled, at least `at_least` of them and `replies` replies.
    """

    warning: float = 0.05
    high: float = 0.3
    batches: int = 8
    at_least: int = 3
    replies: int = 32


LIMITS = Limits()


def watch(rows: Rows, past: SharePast, context: Context) -> Verdict[SharePast]:
    """The pooled share against two limits."""
    limits: Limits = context.limits
    found, kept = pooled_shares(
        rows, context.scope, past, batches=limits.batches, at_least=limits.at_least, replies=limits.replies, start=1
    )
    rungs = {Severity.WARNING: limits.warning, Severity.HIGH: limits.high}
    return share_verdict(found, rungs, np.zeros(found.at.size), kept)


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    seen = examples(context.names(context.scope, episode.first_step, episode.last_step))
    return Telling(
        summary=f"Up to {percent(episode.peak)} of the replies contain tokens of the chat template as text "
        f"(limit {percent(episode.limit)}){seen}.",
        cause="The model's end of turn is not what generation stops at, or the prompts use another model's template.",
        advice=(
            Advice(text="Render one prompt with the tokenizer's chat template and compare it with the model's own."),
            set_to(
                info,
                "chat_template_path",
                "Use the template the model was trained with",
                "the model's own",
                current=info.config.get("chat_template_path"),
            ),
            Advice(text="Add the template's end-of-turn token to the tokens at which generation stops."),
        ),
    )


RULE = RowRule(
    family=Family.TEXT,
    reads=("samples/special_tokens",),
    watch=watch,
    limits=LIMITS,
    fresh=SharePast(),
    tell=tell,
    needs=Need.SAMPLES,
    window=lambda limits: limits.batches,
    ceiling=Severity.HIGH,
    explained_by=("pad-equals-eos", "lr-out-of-band", "kl-too-high"),
)
