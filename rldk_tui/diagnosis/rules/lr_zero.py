"""The learning rate is zero: training goes on and nothing is learned.

What it means
    Every step costs as much as ever and multiplies its update by zero. The weights stay exactly as they are, so reward, KL and
    length only wander with the sampling, and no later step will make up for it.

Why it happens
    `learning_rate` was set to 0, or the schedule ended before the run did: it was made for fewer steps than are trained (a
    wrong `max_steps`, a changed batch size, a resumed run with another length), or it never leaves its warm-up.

What to do
    Stop the run. Look at `learning_rate`, `lr_scheduler_type`, `warmup_steps` and `max_steps` together: plot the schedule
    they make before starting again. If it dropped in the middle, go on from the last checkpoint before the drop.

Where the limit comes from
    Catalogue: exactly 0 in five logs of five, or never above 0 in the first ten. A warm-up logs one 0 at its beginning, and
    a linear or cosine schedule of TRL and transformers one at its end, so the last 2 % of the planned steps do not count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rldk_tui.diagnosis.beside import held
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        dropped: Logs in a row at zero after a rate above it.
        never: Logs in a row at zero from the first on.
        tail: Share of the planned steps at the end of which a zero is the schedule's own.
    """

    dropped: int = 5
    never: int = 10
    tail: float = 0.02


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: the flags of both windows, and the last rate above zero."""

    flags: tuple[Floats, Floats] = (NOTHING_YET, NOTHING_YET)
    latest: float = math.nan


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """A rate of exactly zero in all of the last logs."""
    limits: Limits = context.limits
    info = context.info
    at, rates = finite_rows(rows, "learning_rate")
    planned = float(info.max_steps or math.inf)
    zero = (rates == 0.0) & (rows.steps[at] <= (1.0 - limits.tail) * planned)
    moving = np.flatnonzero(rates > 0.0)
    before, latest = held(moving, rates[moving], np.arange(rates.size), past.latest)
    dropped, dropped_flags = m_of_n(zero, past.flags[0], limits.dropped, limits.dropped)
    never, never_flags = m_of_n(zero, past.flags[1], limits.never, limits.never)
    trouble = (dropped & (before > 0.0)) | never
    return Verdict(
        at=at,
        breach=zero,
        level=np.where(trouble, Severity.CRITICAL.rank, 0).astype(np.int8),
        value=rates,
        limit=np.zeros(at.size),
        past=Past((dropped_flags, never_flags), latest),
        facts={"before": before},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    before = episode.facts.get("before")
    planned = "" if info.max_steps is None else f" of {info.max_steps}"
    since = (
        f"from step {episode.first_step}{planned} on" if episode.open else f"in steps {episode.first_step}–{episode.last_step}"
    )
    if before is None:
        return Telling(
            summary=f"The learning rate was exactly 0 {since}, and never above it before.",
            cause=_never(info),
            advice=_raise(info),
        )
    return Telling(
        summary=f"The learning rate was exactly 0 {since}; it was {before:.2g} before.",
        cause="The schedule ended before the run did, or something set the rate to 0.",
        advice=(
            Advice(text="Compare the number of steps the schedule was made for with the number that is trained."),
            Advice(text=f"Go on from the last checkpoint before step {episode.first_step} with a schedule for all steps."),
        ),
    )


def _never(info: RunInfo) -> str:
    """Why the rate never was above zero, as the settings tell it."""
    if info.setting("learning_rate") == 0.0:
        return "The setting learning_rate is 0."
    return "The schedule gives 0 from the first step on: a warm-up without end, or an optimizer the schedule does not reach."


def _raise(info: RunInfo) -> tuple[Advice, ...]:
    """What makes the rate rise."""
    if info.setting("learning_rate") == 0.0:
        return (set_to(info, "learning_rate", "Give the optimizer a learning rate", "1e-06", current=0.0),)
    warm_up = info.setting("warmup_steps")
    if warm_up:
        shorter = f"{max(1, round(0.02 * (info.max_steps or 500)))}"
        return (set_to(info, "warmup_steps", "Warm up over fewer steps", shorter, current=warm_up),)
    schedule = info.config.get("lr_scheduler_type")
    return (set_to(info, "lr_scheduler_type", "Take a schedule that needs no setting", "constant", current=schedule),)


RULE = RowRule(
    family=Family.OPTIMIZER,
    reads=("learning_rate",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    window=lambda limits: max(limits.dropped, limits.never),
    close_after=1,
)
