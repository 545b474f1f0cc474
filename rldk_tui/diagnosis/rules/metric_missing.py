"""A metric that this trainer logs is missing from the log.

What it means
    The trainer logs this number by itself, but it stopped coming or never came. What it would show goes unseen: the rules
    that read it are not evaluated, and their silence is no good news.

Why it happens
    The metric was renamed by a patch or a subclass, an override of `log` drops it, its computation fails and the failure is
    swallowed, or TensorBoard left it out because its value was None, as when no reply could be scored.

What to do
    Compare the keys of the log before and after the first step it is missing. Look at the job's output for warnings of that
    step, and at the rewards if it is a reward that went missing. Where it never came, call `super().log(...)` in your own
    trainer class, or log it under the name that the trainer uses.

Where the limit comes from
    Catalogue: absent in three logs in a row in which it was due. What each trainer logs was read in TRL 1.12 to 1.16 and seen
    in real runs of both; a metric that never came is remarked from 1.12 on, one that stopped coming in any version. Due is
    not: KL without a reference (`beta=0`), what belongs to a generation in a step that does not generate, the gradient norm
    with `max_grad_norm=0`, the clipping with losses that do not clip, entropy under the Liger kernel, and KTO's values of
    chosen and rejected, which come only with a batch that holds some.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldk_tui.diagnosis.levels import nothing
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics import CATALOGUE, lookup, title
from rldk_tui.metrics.expected import KNOWN_SINCE, due, never_came_is_missing
from rldk_tui.metrics.generation_cycle import is_of_a_generation, logs_a_generation
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import Rows, RunInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        logs: Logs in a row in which it was due and did not come.
        cycle: Logs of which one may tell of a generation where the config does not say how often the trainer generates.
        known_since: The version of TRL, as major and minor, from which on the trainers' keys are known.
    """

    logs: int = 3
    cycle: int = 8
    known_since: tuple[int, int] = KNOWN_SINCE


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """Whether it was ever logged, and for how many logs it is missing."""

    came: bool = False
    missing: int = 0


_EVERY_LOG = ("learning_rate", "loss")
"""One of these is in every log of training, and in none that something else wrote."""


def applies(info: RunInfo) -> str | None:
    """Only where it is known what the trainer logs."""
    return "which trainer it is, and so what it logs, is not known" if info.algorithm is None else None


def scopes(reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Every metric that some trainer logs by itself, logged or not."""
    return reads if any(name in names for name in _EVERY_LOG) else ()


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """For how many logs in a row it is missing."""
    limits: Limits = context.limits
    info, name = context.info, context.scope
    if not due(name, info.algorithm, info.config):
        return nothing(past)
    here = rows.column(name).present
    logged = here.copy()
    for other in _EVERY_LOG:
        logged |= rows.column(other).present
    at = np.flatnonzero(logged)
    if not at.size:
        return nothing(past)
    came = here[at]
    place = np.arange(1, at.size + 1)
    missing = place - np.maximum.accumulate(np.where(came, place, -past.missing))
    before = past.came | np.logical_or.accumulate(came)
    counts = before | never_came_is_missing(name, info.algorithm, info.config, info.versions, limits.known_since)
    patience = limits.logs * (_logs_a_generation(info, limits) if is_of_a_generation(name) else 1)
    return Verdict(
        at=at,
        breach=missing > 0,
        level=(counts & (missing >= patience)) * np.int8(Severity.WARNING.rank),
        value=np.full(at.size, np.nan),
        limit=np.full(at.size, np.nan),
        past=Past(bool(before[-1]), int(missing[-1])),
        facts={"came": before.astype(np.float64)},
    )


def waits(rows: Rows, context: Context) -> bool:
    """While it comes with every row nothing is missing."""
    return not due(context.scope, context.info.algorithm, context.info.config) or bool(rows.column(context.scope).present.all())


def _logs_a_generation(info: RunInfo, limits: Limits) -> int:
    """Logs of which one tells of a generation."""
    told = any(info.setting(name) is not None for name in ("num_iterations", "steps_per_generation"))
    return logs_a_generation(info.config) if told or info.algorithm not in GROUPED else limits.cycle


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    name = episode.scope
    stopped = episode.facts.get("came") == 1.0
    since = f"has been missing from the log since step {episode.first_step}" if stopped else "never came"
    how = lookup(name).to_log
    trainer = context.info.trainer or "this trainer"
    return Telling(
        summary=f"{title(name)} ({name}) {since}, though {trainer} logs it by itself.",
        cause="It was renamed or dropped on its way into the log, its computation failed, or its value was None."
        if stopped
        else "It is logged under another name, or an override of the trainer's log drops it.",
        advice=(
            Advice(text=f"Look for what changed at step {episode.first_step} in the job's output and in the log's keys.")
            if stopped
            else Advice(text="Call super().log(...) in a trainer class of your own, and keep the trainer's names."),
            *([Advice(text=f"To have it logged: {how}.")] if how and not stopped else []),
        ),
    )


RULE = RowRule(
    family=Family.METRICS,
    reads=tuple(metric.name for metric in CATALOGUE if metric.expected_in),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    scopes=scopes,
    waits=waits,
    window=lambda limits: limits.logs,
    close_after=1,
    ceiling=Severity.WARNING,
    explained_by=("reward-unscorable",),
)
