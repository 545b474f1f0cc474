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
    finite and for batches without a token to learn from. Lower `learning_rate` only if none of that explains it. With
    `RLDKCallback.attach(trainer)` the layer is named in which it began: clipping by a NaN norm makes all gradients NaN.

Where the limit comes from
    Nothing statistical: one gradient norm that is not finite beside a finite loss; where the training loop is measured,
    one tensor of gradients or weights that is not finite, which no log shows at all. With fp16 the loss scaler overflows and
    skips steps in healthy runs, so there it takes three in a row, or one tensor of weights; where the precision is unknown,
    one such step is high, and three, or one with a loss of exactly 0.0, are critical. TRL issue 6702 describes the gap;
    transformers documents `logging_nan_inf_filter`, on by default. Seen in real runs: loss 0.0007 with a NaN norm, and a
    crash in the next step.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.blame import RatePast, learning_rates, lower_learning_rate, set_to
from rldk_tui.diagnosis.measurements import in_these_rows, listed
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Kind, Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n

GRADIENTS, WEIGHTS, NORM = "hook/nonfinite_gradients", "hook/nonfinite_parameters", "grad_norm"
_SEEN = {GRADIENTS: "gradients", WEIGHTS: "weights"}


@dataclass(frozen=True, slots=True)
class Limits:
    """Steps or logs in a row that no loss scaler explains; see the manual."""

    scaler: int = 3


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: the flags of the logs, and of the steps whose gradients were looked at."""

    logs: Floats = field(default_factory=lambda: NOTHING_YET)
    steps: Floats = field(default_factory=lambda: NOTHING_YET)
    rate: RatePast = field(default_factory=RatePast)


def _scaled(info: RunInfo) -> bool | None:
    """Whether a loss scaler may skip steps; None where the precision is unknown."""
    if info.config.get("fp16") is True:
        return True
    return False if "fp16" in info.config or info.config.get("bf16") is True else None


def _level(found: Bools, telling: Bools, lasting: Bools, scaled: bool | None) -> NDArray[np.int8]:
    """How bad each of them is; `telling` are those that no loss scaler explains."""
    if scaled is None:
        sure, suspect = lasting | telling, found
    else:
        sure = suspect = lasting if scaled else found
    return np.where(sure, Severity.CRITICAL.rank, np.where(suspect, Severity.HIGH.rank, 0)).astype(np.int8)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """A norm that is not finite beside a loss that is, and every tensor that is not finite.

    PPO has a training loop of its own, in which no filter hides a NaN, so its logs say nothing here.
    """
    limits: Limits = context.limits
    scaled, several = _scaled(context.info), limits.scaler
    norm, loss = rows.column(NORM), rows.column("loss")
    logged = norm.present & loss.present & (context.info.algorithm is not Algorithm.PPO)
    breach = np.zeros(len(rows), np.bool_)
    level = np.zeros(len(rows), np.int8)
    hidden = (norm.kinds[logged] == Kind.NONFINITE) & loss.finite[logged]
    lasting, logs = m_of_n(hidden, past.logs, several, several)
    breach[logged] = hidden
    level[logged] = _level(hidden, hidden & (loss.values[logged] == 0.0), lasting, scaled)
    looked, steps = logged, past.steps
    if GRADIENTS in rows.columns:
        gradients = rows.column(GRADIENTS)
        seen = gradients.finite
        found = gradients.values[seen] > 0
        lasting, steps = m_of_n(found, past.steps, several, several)
        breach[seen] |= found
        level[seen] = np.maximum(level[seen], _level(found, np.zeros_like(found), lasting, scaled))
        looked = looked | seen
    if WEIGHTS in rows.columns:
        weights = rows.column(WEIGHTS)
        ruined = weights.finite & (weights.values > 0)
        breach |= ruined
        level[ruined] = Severity.CRITICAL.rank
        looked = looked | weights.finite
    at = np.flatnonzero(looked)
    nowhere = np.full(at.size, np.nan)
    rates, rate = learning_rates(rows, at, past.rate)
    return Verdict(
        at=at,
        breach=breach[at],
        level=level[at],
        value=nowhere,
        limit=nowhere,
        past=Past(logs, steps, rate),
        facts={**rates, "loss": loss.values[at], **{what: in_these_rows(rows, at, name) for name, what in _SEEN.items()}},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    filtered = set_to(
        info,
        "logging_nan_inf_filter",
        "Let the log show NaN losses",
        "False",
        current=info.config.get("logging_nan_inf_filter"),
    )
    own_loop = info.algorithm is Algorithm.PPO
    hidden_by = "TRL's PPO logs no gradient norm" if own_loop else "the logger replaced the loss (logging_nan_inf_filter)"
    return Telling(
        summary=_summary(episode, context),
        cause=f"The optimizer took a NaN or infinite gradient; {hidden_by}.",
        advice=(
            Advice(text=f"Stop, and go back to a checkpoint before step {episode.first_step} whose weights are finite."),
            *([] if own_loop else [filtered]),
            Advice(text=f"Look at the batch of step {episode.first_step}: one without a token to learn from divides by zero."),
            lower_learning_rate(episode, info, guessed=True),
        ),
    )


def _summary(episode: Episode, context: Context) -> str:
    """What was seen most closely: where it began, which fewer tensors tell better; else the norm in the log."""
    step = episode.first_step
    counts = {metric: episode.facts.get(what, 0.0) for metric, what in _SEEN.items()}
    seen = sorted((metric for metric, count in counts.items() if count > 0), key=lambda metric: counts[metric])
    if seen:
        first, *then = seen
        tensors = "1 tensor" if counts[first] == 1 else f"{counts[first]:.6g} tensors"
        about = listed(context.names(first, step, step))
        spread = f", and then the {_SEEN[then[0]]} in {counts[then[0]]:.6g}" if then else ""
        return f"In {tensors} the {_SEEN[first]} were not finite at step {step}{about}{spread}; no log shows it."
    loss = episode.facts.get("loss", 0.0)
    shown = "exactly 0.0, as a NaN loss is logged" if loss == 0.0 else f"{loss:.3g}, as if nothing had happened"
    logs = "1 log" if episode.rows == 1 else f"{episode.rows} logs"
    return f"The gradient norm was not finite at step {step} while the logged loss was {shown} ({logs} so far)."


RULE = RowRule(
    family=Family.NONFINITE,
    reads=(GRADIENTS, WEIGHTS, NORM),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    window=lambda limits: limits.scaler,
    explained_by=("lr-jump", "lr-out-of-band", "update-too-large", "ppo-ratio-extreme", "loss-divergence"),
)
