"""The gradient is NaN while the logged loss looks fine.

What it means
    The optimizer took a gradient that is no finite number, and the log hides it: transformers replaces a NaN loss by the
    running mean, which is exactly 0.0 when every step is logged. The weights are most likely ruined; the next sampling ends
    in "probability tensor contains either inf, nan", or goes on in silence with a loss of 0.0 and accuracies of 0.

Why it happens
    A NaN or infinite reward or advantage, logits that overflow in half precision, or a learning rate so high that weights
    overflow. Gradient clipping does not help: it divides by the norm, and TRL does not make it refuse a NaN.

What to do
    Stop now: every step since is lost. Go back to the last checkpoint with finite weights. Set
    `logging_nan_inf_filter=False`, so that the loss tells the truth. Train in bf16 or fp32, and look for rewards that are not
    finite and for batches without a token to learn from. Lower `learning_rate` only if none of that explains it.

Where the limit comes from
    Nothing statistical: one gradient norm that is not finite beside a finite loss. With fp16 the loss scaler overflows and
    skips steps in healthy runs, so there it takes three logs in a row; where the precision is unknown, one such log is high,
    and three, or one with a loss of exactly 0.0, are critical. TRL issue 6702 describes the gap; transformers documents
    `logging_nan_inf_filter`, on by default. Seen in real runs: loss 0.0007 with a NaN norm, and a crash in the next step.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis.blame import RatePast, learning_rates, lower_learning_rate, set_to
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Kind, Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n


@dataclass(frozen=True, slots=True)
class Limits:
    """Logs in a row that no loss scaler explains; see the manual."""

    scaler: int = 3


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept."""

    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    rate: RatePast = field(default_factory=RatePast)


def applies(info: RunInfo) -> str | None:
    """Trainers on the loop of transformers; PPO has its own and filters nothing."""
    return "TRL's PPO logs no gradient norm, and no filter hides its NaN" if info.algorithm is Algorithm.PPO else None


def _scaled(info: RunInfo) -> bool | None:
    """Whether a loss scaler may skip steps; None where the precision is unknown."""
    if info.config.get("fp16") is True:
        return True
    return False if "fp16" in info.config or info.config.get("bf16") is True else None


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """A norm that is not finite beside a loss that is."""
    limits: Limits = context.limits
    norm, loss = rows.column("grad_norm"), rows.column("loss")
    at = np.flatnonzero(norm.present & loss.present)
    hidden = (norm.kinds[at] == Kind.NONFINITE) & loss.finite[at]
    zero = hidden & (loss.values[at] == 0.0)
    lasting, flags = m_of_n(hidden, past.flags, limits.scaler, limits.scaler)
    scaled = _scaled(context.info)
    if scaled is False:
        sure, suspect = hidden, hidden
    elif scaled:
        sure, suspect = lasting, lasting
    else:
        sure, suspect = lasting | zero, hidden
    level = np.where(sure, Severity.CRITICAL.rank, np.where(suspect, Severity.HIGH.rank, 0))
    nowhere = np.full(at.size, np.nan)
    rates, rate = learning_rates(rows, at, past.rate)
    return Verdict(
        at=at,
        breach=hidden,
        level=level.astype(np.int8),
        value=nowhere,
        limit=nowhere,
        past=Past(flags, rate),
        facts={**rates, "loss": loss.values[at]},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    loss = episode.facts.get("loss", 0.0)
    shown = "exactly 0.0, as a NaN loss is logged" if loss == 0.0 else f"{loss:.3g}, as if nothing had happened"
    return Telling(
        summary=f"The gradient norm was not finite at step {episode.first_step} while the logged loss was {shown} "
        f"({episode.rows} logs so far).",
        cause="The optimizer took a NaN or infinite gradient; the logger replaced the loss (logging_nan_inf_filter).",
        advice=(
            Advice(text=f"Stop, and go back to a checkpoint before step {episode.first_step} whose weights are finite."),
            set_to(
                info,
                "logging_nan_inf_filter",
                "Let the log show NaN losses",
                "False",
                current=info.config.get("logging_nan_inf_filter"),
            ),
            Advice(text=f"Look at the batch of step {episode.first_step}: one without a token to learn from divides by zero."),
            lower_learning_rate(episode, info, guessed=True),
        ),
    )


RULE = RowRule(
    family=Family.NONFINITE,
    reads=("grad_norm",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.scaler,
)
