"""A checkpoint holds weights that are not finite numbers.

What it means
    The saved weights contain NaN or infinity. Whatever is loaded from them answers with noise or crashes, and training that is
    resumed from here begins ruined. Every checkpoint after this one is most likely no better.

Why it happens
    A NaN gradient reached the optimizer, a value overflowed in half precision, or the learning rate blew the weights up. The
    training goes on without a word, because the log replaces a NaN loss.

What to do
    Stop the run. Resume from the newest checkpoint whose weights are finite, and find the cause before that: rewards that
    are not finite, float16 where bfloat16 would do, a batch without a token to learn from, too high a `learning_rate`.

Where the limit comes from
    Nothing statistical: one number that is not finite is one too many (catalogue; SageMaker Debugger's ExplodingTensor checks
    the same while training). Buffers that hold infinity by design are not weights and are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.checkpoints import words
from rldk_tui.diagnosis.levels import scope_rows
from rldk_tui.diagnosis.measurements import judged_alone, named
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows


@dataclass(frozen=True, slots=True)
class Limits:
    """Tensors that may hold a number that is not finite: none."""

    tensors: float = 0.0


LIMITS = Limits()


def watch(rows: Rows, _past: None, context: Context) -> Verdict[None]:
    """Any tensor at all."""
    limits: Limits = context.limits
    return judged_alone(*scope_rows(rows, context), ((limits.tensors, Severity.CRITICAL),))


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    broken = words.not_finite(episode.peak)
    return Telling(
        summary=f"The checkpoint of step {episode.first_step} holds {broken}{named(episode, context)}.",
        cause="NaN or infinite numbers reached the weights before this checkpoint was saved.",
        advice=(
            Advice(text=f"Stop, and resume from the newest checkpoint before step {episode.first_step} that is finite."),
            Advice(text=words.DELETE_IT),
        ),
    )


RULE = RowRule(
    family=Family.CHECKPOINT,
    reads=("checkpoint/nonfinite_tensors",),
    watch=watch,
    limits=LIMITS,
    fresh=None,
    tell=tell,
    needs=Need.CHECKPOINT,
    close_after=1,
    reopen_within=2,
    explained_by=("nan-step-masked", "lr-out-of-band"),
)
