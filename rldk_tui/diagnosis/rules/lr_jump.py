"""The learning rate jumped to a multiple of what it was.

What it means
    From one log to the next the learning rate rose to three times or more of the highest before it, and it was not warming up:
    in the logs before, it stood still or fell. The updates are now that many times larger, on weights that were trained with
    small ones. From ten times on it is high: KL, loss and entropy usually follow within a few steps.

Why it happens
    A scheduler or a callback that sets the rate, a schedule resumed with other arguments than it began with, a scheduler
    stepped by hand beside the trainer's own, or a rate changed on purpose in the middle of a run.

What to do
    Find what set the rate: compare `learning_rate`, `lr_scheduler_type` and `warmup_steps` with the last run, and look for
    callbacks that touch the optimizer. Go back to the last checkpoint before the jump, since what was broken by steps of that
    size does not come back by lowering the rate alone.

Where the limit comes from
    The schedules of transformers rise in a warm-up, every log higher than the one before, and otherwise stand still, fall, or
    return to the old height, so three times the highest is none of them. Real runs: a rate times 40 in GRPO brought the KL from
    0.2 to above 2 nat/token in five steps, a rate times 100 in supervised fine-tuning doubled the loss in two. The catalogue
    calls a rate high that is five times a usual bound; ten leaves what people do on purpose a warning.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rldk_tui.diagnosis import blame
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows


@dataclass(frozen=True, slots=True)
class Limits:
    """Multiples of the highest rate before the jump; below `blame.JUMP` nothing is called one."""

    warning: float = blame.JUMP
    high: float = 10.0


LIMITS = Limits()


def watch(rows: Rows, past: blame.RatePast, context: Context) -> Verdict[blame.RatePast]:
    """The rate as a multiple of what it was before its last jump, while that is in force."""
    limits: Limits = context.limits
    at, rates = finite_rows(rows, "learning_rate")
    facts, kept = blame.learning_rates(rows, at, past)
    before = facts["learning_rate_before"]
    in_trouble = rates > limits.warning * before  # False where nothing jumped
    level = graded([rates > limits.high * before, in_trouble], [Severity.HIGH.rank, Severity.WARNING.rank])
    return Verdict(
        at=at,
        breach=in_trouble,
        level=level,
        value=rates,
        limit=limits.warning * before,
        past=kept,
        facts=facts,
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    before = episode.facts.get("learning_rate_before", episode.peak)
    times = episode.peak / before if before > 0 else 1.0
    how = f"{times:.3g} times" if math.isfinite(times) else "far beyond"
    return Telling(
        summary=f"The learning rate jumped from {before:.2g} to {episode.peak:.2g} at step {episode.first_step}, "
        f"{how} the highest before it.",
        cause="A scheduler, a callback or a resumed schedule set it: no warm-up and no decay does this.",
        advice=(
            blame.lower_learning_rate(episode, context.info),
            Advice(text=f"Go back to the last checkpoint before step {episode.first_step}."),
        ),
    )


RULE = RowRule(
    family=Family.OPTIMIZER,
    reads=("learning_rate",),
    watch=watch,
    limits=LIMITS,
    fresh=blame.RatePast(),
    tell=tell,
    ceiling=Severity.HIGH,
)
