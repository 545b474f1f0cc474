"""Adam's second moments are out of the range in which it works.

What it means
    Adam divides each gradient by the root of its second moment plus ε. Where the root is below ε, ε decides, the steps vanish
    without a sign, and the learning rate no longer means what it says. Where the second moment was lost, the division blows
    the step up instead: some weights move by many times the learning rate.

Why it happens
    Large models and summed losses have gradients of 1e-8 and less. Second moments kept in half precision or in eight bits
    round to zero, and with `adam_beta2` near 1 they lag behind gradients that have grown.

What to do
    Vanishing: lower `adam_epsilon` to 1e-15, as large models use it. Blown up: keep the optimizer's state in float32, lower
    `adam_beta2` to 0.95, or raise `adam_epsilon` to 1e-5, as PPO does.

Where the limit comes from
    Catalogue: more than half of the weights below ε, or a step of more than 20 learning rates, is a warning. Wortsman et al.
    (arXiv 2309.14322) show gradients sinking below ε as models grow. With betas of 0.9 and 0.999 no gradient can make a step
    of more than 7.3 learning rates, so 20 tells of a state that was lost or rounded. Rows that never had a gradient do not
    count.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.charts.format import percent
from rldk_tui.checkpoints import words
from rldk_tui.checkpoints.limits import ADAM_BELOW, ADAM_STEP
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import scope_rows
from rldk_tui.diagnosis.measurements import each_measured, judged_alone, named
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows, RunInfo

BELOW, STEP = "checkpoint/adam_below_epsilon", "checkpoint/adam_largest_step"


@dataclass(frozen=True, slots=True)
class Limits:
    """The share of weights whose ε decides, and the largest step in learning rates."""

    below: float = ADAM_BELOW
    step: float = ADAM_STEP


LIMITS = Limits()


def applies(info: RunInfo) -> str | None:
    """Optimizers of Adam's kind."""
    name = info.config.get("optim")
    if isinstance(name, str) and "adam" not in name.lower():
        return f"the optimizer, {name}, is not of Adam's kind"
    return None


def watch(rows: Rows, _past: None, context: Context) -> Verdict[None]:
    """Either of the two."""
    limits: Limits = context.limits
    limit = limits.below if context.scope == BELOW else limits.step
    return judged_alone(*scope_rows(rows, context), ((limit, Severity.WARNING),))


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    epsilon, beta = info.setting("adam_epsilon"), info.setting("adam_beta2")
    about = named(episode, context)
    if episode.scope == BELOW:
        return Telling(
            summary=f"{words.below_epsilon(percent(episode.peak), epsilon)} (limit {percent(episode.limit)}){about}.",
            cause="Where ε decides, steps vanish, and the learning rate does not mean what it says.",
            advice=(set_to(info, "adam_epsilon", words.GRADIENTS_DECIDE, "1e-15", current=epsilon),),
        )
    return Telling(
        summary=f"{words.large_step(episode.peak, episode.limit)}{about}.",
        cause="The second moment of these weights is far smaller than their gradient: it was rounded away, or it lags behind.",
        advice=(
            Advice(text=words.STATE_IN_FLOAT32),
            set_to(info, "adam_beta2", words.FOLLOW_FASTER, "0.95", current=beta),
            set_to(info, "adam_epsilon", "Or bound the step from below", "1e-5", current=epsilon),
        ),
    )


RULE = RowRule(
    family=Family.OPTIMIZER,
    reads=(BELOW, STEP),
    watch=watch,
    limits=LIMITS,
    fresh=None,
    tell=tell,
    needs=Need.CHECKPOINT,
    applies=applies,
    scopes=each_measured,
    close_after=1,
    reopen_within=2,
    ceiling=Severity.WARNING,
    explained_by=("dead-gradient", "zero-variance-groups", "nothing-trainable"),
)
