"""A metric has a value that is impossible.

What it means
    A share beyond 0 to 1, a negative spread, length or entropy, a negative KL where the estimator cannot give one: the number
    is not what its name says. Nobody, and no rule, can trust this metric until that is mended; the training itself may be
    sound, or the same mistake may be inside the loss.

Why it happens
    A fault in the trainer or in a patch of it, padding that is counted in, a metric of your own under a name that the trainer
    uses for something else, percent where a share is meant, or two runs that write into one log.

What to do
    Look up how the value is computed in the version that trains. TRL's PPO before 1.10 counts padding as a log-probability of
    1, which makes `objective/entropy` negative: upgrade, or read `policy/entropy_avg` instead. Rename a metric of your own.

Where the limit comes from
    The definition of each metric, with a margin for rounding: 1e-6 for shares and counts, and 0.01 nat for entropy and KL,
    since half precision resolves no better than 0.004 near 1 and both are differences of such numbers. GRPO's k3 estimator
    and KTO's clamped KL are never negative; RLOO's and PPO's may be. The negative entropy of TRL's PPO up to 1.9 is a known
    fault of the log alone and only remarked. A gradient norm of exactly -1 is how DeepSpeed marks an overflow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from rldk_tui.diagnosis.levels import finite_rows, nothing
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.metrics import title
from rldk_tui.metrics.domains import COUNTED, EXACT, IN_NATS, NATS, OVERFLOW, SHARES, domain
from rldk_tui.run import Rows


@dataclass(frozen=True, slots=True)
class Limits:
    """How far beyond its domain a value may lie by rounding; see the manual for the source.

    Attributes:
        exact: For shares, spreads and counts.
        nats: For what is computed from log-probabilities.
    """

    exact: float = EXACT
    nats: float = IN_NATS


LIMITS = Limits()
_PADDING_COUNTED_BEFORE = (1, 10)
"""TRL's PPO sums the entropy over padding in versions before this one."""


def scopes(reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Every metric whose domain is known, in training and evaluation."""
    return tuple(name for name in names if name.removeprefix("eval/") in reads)


def watch(rows: Rows, past: None, context: Context) -> Verdict[None]:
    """Each value by itself against what is possible."""
    limits: Limits = context.limits
    possible = domain(context.scope.removeprefix("eval/"), context.info.algorithm, limits.exact, limits.nats)
    if possible is None:
        return nothing(past)
    low, high = possible
    at, values = finite_rows(rows, context.scope)
    broken = (values < low) | (values > high)
    if context.scope == "grad_norm":
        broken &= values != OVERFLOW
    severity = Severity.INFO if _known_fault(context) else Severity.HIGH
    return Verdict(
        at=at,
        breach=broken,
        level=broken * np.int8(severity.rank),
        value=np.where(broken, values, np.nan),
        limit=np.where(values > high, 1.0, 0.0),
        past=past,
    )


def _known_fault(context: Context) -> bool:
    """Whether this is the negative entropy that TRL's PPO is known to log; an unknown version gets the same doubt."""
    if context.scope != "entropy/sequence" or context.info.algorithm is not Algorithm.PPO:
        return False
    version = re.match(r"(\d+)\.(\d+)", context.info.versions.get("trl", ""))
    return version is None or (int(version[1]), int(version[2])) < _PADDING_COUNTED_BEFORE


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    name = episode.scope
    logs = f"at step {episode.first_step}" if episode.rows == 1 else f"in {episode.rows} logs from step {episode.first_step}"
    cannot = (
        "is a share, at most 1" if episode.peak > 0 else "is a share, at least 0" if _is_share(name) else "is never negative"
    )
    summary = f"{title(name)} ({name}) was {episode.peak:.4g} {logs}, which is impossible: it {cannot}."
    if _known_fault(context):
        return Telling(
            summary=summary,
            cause="TRL's PPO before 1.10 counts padding as a log-probability of 1: a fault of this metric alone.",
            advice=(Advice(text="Upgrade to trl 1.10 or later, or read policy/entropy_avg instead of objective/entropy."),),
        )
    return Telling(
        summary=summary,
        cause="The value is not what its name says: it is computed wrongly, or something else is logged under this name.",
        advice=(
            Advice(text=f"Trust nothing that is read from {name} until it is found how this trainer's version computes it."),
            Advice(text="If it is a metric of your own, log it under a name that the trainer does not use."),
        ),
    )


def _is_share(name: str) -> bool:
    return name.removeprefix("eval/") in SHARES


RULE = RowRule(
    family=Family.METRICS,
    reads=(*SHARES, *COUNTED, *NATS),
    watch=watch,
    limits=LIMITS,
    fresh=None,
    tell=tell,
    scopes=scopes,
    worst=lambda values: np.argmax(np.abs(values)),
    ceiling=Severity.HIGH,
)
