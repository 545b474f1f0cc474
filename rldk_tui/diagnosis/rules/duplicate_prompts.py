"""The same few prompts are trained on again and again.

What it means
    A batch should hold a new set of prompts each time. Here one prompt, or a handful, comes again and again: the policy
    learns their answers by heart, the reward rises, and nothing of it carries over to any other prompt.

Why it happens
    The dataset holds copies (a join that repeats rows, a template whose variable was never filled in, a column that was
    lost in preprocessing), it was cut to a few rows for a test, or a sampler without shuffling repeats its first block.
    Environments whose task is not in the prompt repeat one prompt by design.

What to do
    Count the different prompts of the dataset and print ten of them. Remove the copies, fill in the template, set
    `shuffle_dataset=True`. If the task comes from an environment and the prompt is the same by design, this finding does
    not concern you.

Where the limit comes from
    What random sampling implies: of at least two groups a batch, fewer than half are of different prompts over ten batches;
    or 20 new batches begin with four different prompts at most, or eight with one and the same. Sixteen prompts
    drawn at random do the latter once in 10^8 batches. The batch schedule is TRL's: replies on record ÷ `num_generations`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis.batches import MOST, beside, new_batches
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, rolling, rolling_mean


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares and counts of different prompts; see the manual for the source.

    Attributes:
        share: Different prompts ÷ groups, the mean of `pooled` batches, at least `at_least`.
        handful: Different first prompts in `batches` batches.
        alone: Batches that begin with one and the same prompt.
    """

    share: float = 0.5
    pooled: int = 10
    at_least: int = 5
    handful: int = 4
    batches: int = 20
    alone: int = 8


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept."""

    mark: float = math.nan
    shares: Floats = field(default_factory=lambda: NOTHING_YET)
    many: Floats = field(default_factory=lambda: NOTHING_YET)
    few: Floats = field(default_factory=lambda: NOTHING_YET)


def applies(info: RunInfo) -> str | None:
    """Only trainers that sample replies to prompts."""
    return None if info.algorithm is None or info.algorithm in ONLINE else "this trainer samples no replies"


def _different(view: Floats) -> Floats:
    """How many different numbers each window holds."""
    ordered = np.sort(view, axis=1)
    result: Floats = 1.0 + np.count_nonzero(ordered[:, 1:] != ordered[:, :-1], axis=1)
    return result


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """How many different prompts there are, within each batch and from batch to batch."""
    limits: Limits = context.limits
    at, first, mark = new_batches(rows, "samples/prompt_mark", past.mark)
    replies = context.info.setting("num_generations") or math.nan
    groups = np.floor(beside(rows, at, "samples/count", MOST) / max(replies, 1.0))
    told = groups >= 2  # False where either is unknown
    different = np.maximum(beside(rows, at, "samples/distinct_prompts", MOST), 0.0)
    own = np.ones(at.size)
    np.divide(different, groups, out=own, where=told)
    own = np.fmin(own, 1.0)
    mean, shares = rolling_mean(own, past.shares, limits.pooled, limits.at_least)
    many, many_kept = rolling(first, past.many, limits.batches, limits.batches, _different)
    few, few_kept = rolling(first, past.few, limits.alone, limits.alone, _different)
    copies, handful, alone = mean < limits.share, many <= limits.handful, few <= 1.0
    return Verdict(
        at=at,
        breach=(own < limits.share) | handful | alone,
        level=np.where(copies | handful | alone, Severity.WARNING.rank, 0).astype(np.int8),
        value=different,
        limit=np.where(told, limits.share * groups, np.nan),
        past=Past(mark, shares, many_kept, few_kept),
        facts={"share": np.where(copies, mean, np.nan), "many": np.where(handful, many, np.nan), "few": few},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    limits: Limits = context.limits
    info = context.info
    share, many = episode.facts.get("share"), episode.facts.get("many")
    if share is not None:
        summary = (
            f"Only {percent(share)} of the groups of a batch had a prompt of their own up to step {episode.detected_step} "
            f"(limit {percent(limits.share)})."
        )
    elif many is not None:
        summary = (
            f"The last {limits.batches} batches up to step {episode.detected_step} began with {many:.0f} different prompts."
        )
    else:
        summary = f"The last {limits.alone} batches up to step {episode.detected_step} all began with the same prompt."
    return Telling(
        summary=summary,
        cause="The dataset holds few different prompts, or many copies of some, so the policy learns their answers by heart.",
        advice=(
            Advice(text="Count the different prompts of the dataset, and remove the copies."),
            set_to(info, "shuffle_dataset", "Shuffle the prompts", "True", current=info.config.get("shuffle_dataset")),
        ),
    )


RULE = RowRule(
    family=Family.CONFIG,
    reads=("samples/distinct_prompts",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    needs=Need.SAMPLES,
    window=lambda limits: limits.batches,
    worst=np.argmin,
    ceiling=Severity.WARNING,
)
