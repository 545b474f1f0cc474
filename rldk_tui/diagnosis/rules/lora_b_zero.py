"""The adapter, or most of it, has learned nothing.

What it means
    A LoRA adapter adds the product of two matrices, and B is zero before training. Where B still is exactly zero after many
    steps, that module adds nothing: with all of them zero the saved adapter is the base model.

Why it happens
    The adapter was loaded frozen (without `is_trainable=True`), the optimizer was built before it, the learning rate is zero,
    or the adapter that is saved is not the active one. Some modules alone: they are never used, or the gradient is cut on
    the way to them.

What to do
    See what nothing-trainable, lr-zero and dead-gradient say. Print `model.print_trainable_parameters()` and
    `model.active_adapters`, and call `model.enable_input_require_grads()` with gradient checkpointing.

Where the limit comes from
    LoRA begins with B = 0 by construction (arXiv 2106.09685), and Adam's first step moves every element that has a gradient.
    Catalogue: all of them zero after 20 steps is critical, more than half a warning (modules of experts that nothing was
    routed to stay zero). Other initialisations begin elsewhere, and are then never zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.checkpoints import words
from rldk_tui.checkpoints.limits import LORA_ZERO_MOST, LORA_ZERO_STEPS
from rldk_tui.diagnosis.levels import scope_rows
from rldk_tui.diagnosis.measurements import graded, named
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares of the modules, and the steps after which they count."""

    most: float = LORA_ZERO_MOST
    every: float = 1.0
    steps: int = LORA_ZERO_STEPS


LIMITS = Limits()


def watch(rows: Rows, _past: None, context: Context) -> Verdict[None]:
    """The share of modules that are still zero."""
    limits: Limits = context.limits
    at, share = scope_rows(rows, context)
    trained = rows.steps[at] > limits.steps
    at, share = at[trained], share[trained]
    beyond = np.array([share > limits.most, share >= limits.every])
    return graded(at, share, beyond, ((limits.most, Severity.WARNING), (limits.every, Severity.CRITICAL)))


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    limits: Limits = context.limits
    if episode.peak >= limits.every:
        summary = f"The adapter saved at step {episode.peak_step} is still zero in all modules: it is the base model."
        cause = "No update has ever reached the adapter, or another adapter is saved than the one that is trained."
    else:
        summary = (
            f"{percent(episode.peak)} of the adapter's modules are still zero at step {episode.peak_step} "
            f"(limit {percent(limits.most)}){named(episode, context)}."
        )
        cause = "No update has ever reached these modules: they are not used, or no gradient gets there."
    return Telling(
        summary=summary,
        cause=cause,
        advice=(
            Advice(text=words.LOAD_AS_TRAINABLE),
            Advice(text=words.SAVE_THE_ACTIVE),
        ),
    )


RULE = RowRule(
    family=Family.CHECKPOINT,
    reads=("checkpoint/lora_b_zero",),
    watch=watch,
    limits=LIMITS,
    fresh=None,
    tell=tell,
    needs=Need.CHECKPOINT,
    close_after=1,
    reopen_within=2,
    explained_by=("nothing-trainable", "lr-zero", "dead-gradient", "zero-variance-groups", "policy-not-moving"),
)
