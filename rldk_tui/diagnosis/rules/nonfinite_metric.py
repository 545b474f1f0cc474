"""A metric is NaN or infinite.

What it means
    Something was computed that is no number. In the loss, the gradient norm or the reward it means that the weights are
    being destroyed or already are; in any other metric it is the first sign of that, or a quantity that is undefined here.

Why it happens
    In the order to look at: a reward that is NaN or infinite; logits that overflow (fp16 above all); a learning rate so high
    that the weights overflow; a division by a spread of zero in a metric of your own.

What to do
    Find the metric that broke first: the causes stand in the order of their onset. Make the reward function return finite
    numbers. Train in bf16 or fp32, not fp16. Go back to the last checkpoint before the onset and check that it holds finite
    weights. Lower `learning_rate` only if nothing else explains it.

Where the limit comes from
    Nothing statistical: a single such value. Critical in loss, gradient norm and reward, high elsewhere. Left out is PPO's
    `val/ratio_var`: it is the variance of one number, hence NaN, in every healthy run with one epoch, one minibatch and no
    accumulation (TRL's PPO, seen in a real run). `None` is no NaN: the rule reward-unscorable speaks of it. A metric that
    breaks again and again in one launch is told once, and so are metrics that no catalogue knows, all of them together: a
    public run logs twenty of its own that are never a number.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis.blame import RatePast, learning_rates, lower_learning_rate
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics import title
from rldk_tui.metrics.domains import NAN_IN_HEALTHY_RUNS
from rldk_tui.run import Kind, Rows, RunInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """What is grave and what is normal; see the manual for the source."""

    critical: frozenset[str] = frozenset({"loss", "grad_norm", "reward", "policy_loss", "value_loss"})
    normal: frozenset[str] = NAN_IN_HEALTHY_RUNS
    numerics: tuple[str, ...] = field(default=("loss", "grad_norm", "policy_loss", "value_loss"))


LIMITS = Limits()


_ONE_FAULT = 10**9
"""Clean rows after which a metric that breaks once more is a fault of its own: none are enough."""
_AT = "at:"
"""Before the name of a metric in the facts: whether it was broken where the episode opened."""


def scopes(_reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Every metric but those that are NaN in healthy runs; the first stands for all that no catalogue knows."""
    known = [name for name in names if not _own(name) and name.removeprefix("eval/") not in LIMITS.normal]
    return (*known, *[name for name in names if _own(name)][:1])


def _own(name: str) -> bool:
    """Whether the user's own code logs it: nothing is known of it but its name."""
    return title(name) == name


def watch(rows: Rows, past: RatePast, context: Context) -> Verdict[RatePast]:
    """Each value by itself."""
    limits: Limits = context.limits
    names = [name for name in rows.columns if _own(name)] if _own(context.scope) else [context.scope]
    columns = {name: rows.column(name) for name in names}
    present = np.zeros(len(rows), np.bool_)
    for column in columns.values():
        present |= column.present
    at = np.flatnonzero(present)
    where = {name: column.kinds[at] == Kind.NONFINITE for name, column in columns.items()}
    broken, infinite = np.zeros(at.size, np.bool_), np.zeros(at.size, np.bool_)
    for name, here in where.items():
        broken |= here
        infinite |= np.isinf(columns[name].values[at])
    grave = Severity.CRITICAL if context.scope.removeprefix("eval/") in limits.critical else Severity.HIGH
    rates, rate = learning_rates(rows, at, past) if context.scope in limits.numerics else ({}, past)
    named = {f"{_AT}{name}": here.astype(np.float64) for name, here in where.items() if here.any()}
    return Verdict(
        at=at,
        breach=broken,
        level=np.where(broken, grave.rank, 0).astype(np.int8),
        value=np.full(at.size, np.nan),
        limit=np.full(at.size, np.nan),
        past=rate,
        facts={**rates, **named, "infinite": infinite.astype(np.float64)},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    what = "infinite" if episode.facts.get("infinite") == 1.0 else "NaN"
    logs = (
        f"at step {episode.first_step}"
        if episode.rows == 1
        else (f"in {episode.rows} logs, steps {episode.first_step}–{episode.last_step}")
    )
    return Telling(
        summary=f"{_names(episode)} {what} {logs}.",
        cause=_cause(episode.scope),
        advice=(*_precision(info), *_first_look(episode, info, limits)),
    )


def _names(episode: Episode) -> str:
    """What broke, with the verb."""
    first, *more = [name.removeprefix(_AT) for name, at in episode.facts.items() if name.startswith(_AT) and at] or [
        episode.scope
    ]
    if not more:
        return f"{first} was" if _own(first) else f"{title(first)} ({first}) was"
    return f"{first} and {more[0]} were" if len(more) == 1 else f"{first} and {len(more)} other metrics were"


def _cause(scope: str) -> str:
    if scope.removeprefix("eval/").startswith("reward"):
        return "The reward function or reward model returned a value that is no finite number."
    return "A computation overflowed or divided by zero; see which metric broke first."


def _precision(info: RunInfo) -> tuple[Advice, ...]:
    if info.config.get("fp16") is not True:
        return ()
    return (Advice(text="Half precision overflows at 65504; train in bf16", parameter="fp16", current=True, proposed="False"),)


def _first_look(episode: Episode, info: RunInfo, limits: Limits) -> tuple[Advice, ...]:
    if episode.scope.removeprefix("eval/").startswith("reward"):
        return (Advice(text="Make the reward function return finite numbers, and bound them."),)
    back = Advice(text=f"Go back to a checkpoint before step {episode.first_step} whose weights are finite.")
    return (back, lower_learning_rate(episode, info, guessed=True)) if episode.scope in limits.numerics else (back,)


RULE = RowRule(
    family=Family.NONFINITE,
    reads=(),
    watch=watch,
    limits=LIMITS,
    fresh=RatePast(),
    tell=tell,
    scopes=scopes,
    only_nonfinite=True,
    reopen_within=_ONE_FAULT,
    explained_by=(
        "nan-step-masked",
        "ckpt-nonfinite",
        "reward-unscorable",
        "lr-jump",
        "lr-out-of-band",
        "update-too-large",
        "ppo-ratio-extreme",
    ),
)
