"""Every reply is cut off, and replies that are cut off are masked: no gradient.

What it means
    With `mask_truncated_completions` the trainer leaves replies without an end token out of the loss. Nearly all are cut off
    here, so nearly nothing is left to learn from: the step costs as much as ever and moves the weights hardly or not at all.

Why it happens
    `max_completion_length` is too low for the task, or the policy has stopped ending its replies. Masking then hides the very
    replies whose reward could teach it to end.

What to do
    Raise `max_completion_length` until most replies end, or set `mask_truncated_completions=False`, so that the reward of
    cut replies counts. Make sure that the end token of the tokenizer is the one the model was trained with.

Where the limit comes from
    Catalogue: the setting together with more than 90 % of the replies cut off, in five of five logs. DAPO (arXiv 2503.14476)
    introduced the mask for replies that are cut now and then; TRL's documentation of the setting names it as that.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import LevelPast, Rung, scope_rows, watch_levels
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Severity
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import Rows, RunInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """The share of replies cut off; see the manual for the source."""

    share: float = 0.9
    m: int = 5
    n: int = 5


LIMITS = Limits()


def applies(info: RunInfo) -> str | None:
    """Trainers that have the mask, with it switched on."""
    if info.algorithm is not None and info.algorithm not in GROUPED:
        return "this trainer has no such mask"
    if "mask_truncated_completions" not in info.config:
        return "whether cut replies are masked is not recorded"
    return None if info.config["mask_truncated_completions"] is True else "cut replies are not masked"


def watch(rows: Rows, past: LevelPast, context: Context) -> Verdict[LevelPast]:
    """The share of replies cut off, log by log."""
    limits: Limits = context.limits
    at, share = scope_rows(rows, context)
    m, n = cadence.persistence(limits.m, limits.n, context.info)
    return watch_levels(share, at, past, (Rung(limits.share, Severity.CRITICAL, m, n),))


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limit = info.setting("max_completion_length")
    longer = f"{2 * limit:g}" if limit else "twice today's value"
    return Telling(
        summary=f"Up to {percent(episode.peak)} of the replies were cut off from step {episode.first_step} on, and cut "
        f"replies are masked: they train nothing (limit {percent(episode.limit)}).",
        cause="mask_truncated_completions leaves out every reply without an end token, and hardly one has an end token.",
        advice=(
            set_to(info, "max_completion_length", "Allow longer replies", longer, current=limit),
            set_to(info, "mask_truncated_completions", "Or let the reward of cut replies count", "False", current=True),
        ),
    )


RULE = RowRule(
    family=Family.LENGTH,
    reads=("completions/clipped_ratio",),
    watch=watch,
    limits=LIMITS,
    fresh=LevelPast(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.n,
    explained_by=("truncation", "entropy-collapse", "kl-too-high", "pad-equals-eos"),
)
