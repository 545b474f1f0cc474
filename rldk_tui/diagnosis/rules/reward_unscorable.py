"""The reward function returns nothing that can be scored.

What it means
    The trainer logged `None` as the reward: not one reply of the log got a number. TRL then sets all advantages to zero and
    trains on; only the KL term still acts on the weights, and loss and entropy look as fine as before. Where only a part of
    the replies went without a score, the log shows nothing at all: TRL leaves them out of its means and trains on them as if
    they had scored 0.

Why it happens
    The reward function returns None or NaN: a parser that fails on the new form of the replies, an exception caught and
    turned into None, a judge or sandbox that went away, a reward that is undefined for the replies the policy now writes.

What to do
    Call the reward function on the newest completions and see what it returns. A reply that cannot be parsed should get an
    explicit penalty, never None. Go back to the last checkpoint before the onset: what was trained since was trained on
    nothing.

Where the limit comes from
    Nothing statistical: one `None` is high, three logs in a row are critical. TRL (1.x, `grpo_trainer.log`) writes a mean of
    nothing but NaN as None; in a real run whose reward failed from step 21 the gradient norm fell from 0.75 to 0.04 while the
    loss stayed finite. Only the sum of all functions is judged: with several tasks one of them may return None by design. On
    the generations, a warning from 2 % of the replies in three of five logs, high from a quarter: then the unscored ones
    outweigh a group's own differences. These shares are the catalogue's "any None is a signal" with room for one reply that
    broke a parser.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis.batches import new_batches
from rldk_tui.diagnosis.levels import graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Kind, Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n

_SHARE = "samples/unscored"


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual.

    Attributes:
        critical: Logs in a row without any score from which it is critical.
        some, many: Shares of replies without a score, for a warning and for high.
        m, n: In how many of how many logs a part of the replies must lack one.
    """

    critical: int = 3
    some: float = 0.02
    many: float = 0.25
    m: int = 3
    n: int = 5


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: flags of the last logs, and the mark of the last batch."""

    flags: tuple[Floats, Floats] = field(default_factory=lambda: (NOTHING_YET, NOTHING_YET))
    mark: float = float("nan")


def applies(info: RunInfo) -> str | None:
    """Trainers that score replies by a function of the user's."""
    scoring = info.algorithm in (None, *ONLINE)
    return None if scoring else "this trainer scores no replies"


def scopes(reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """What the trainer logged, and what the generations show."""
    return tuple(name for name in reads if name in names)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """None where a reward was logged; a share of replies without one where it was not None."""
    return _some(rows, past, context.limits) if context.scope == _SHARE else _none(rows, past, context.limits)


def _none(rows: Rows, past: Past, limits: Limits) -> Verdict[Past]:
    column = rows.column("reward")
    at = np.flatnonzero(column.present)
    null = column.kinds[at] == Kind.NULL
    lasting, flags = m_of_n(null, past.flags[0], limits.critical, limits.critical)
    level = np.where(lasting, Severity.CRITICAL.rank, np.where(null, Severity.HIGH.rank, 0))
    nowhere = np.full(at.size, np.nan)
    kept = Past((flags, NOTHING_YET))
    return Verdict(at=at, breach=null, level=level.astype(np.int8), value=nowhere, limit=nowhere, past=kept)


def _some(rows: Rows, past: Past, limits: Limits) -> Verdict[Past]:
    at, shares, mark = new_batches(rows, _SHARE, past.mark)
    partly = rows.column("reward").kinds[at] != Kind.NULL
    some, some_flags = m_of_n(partly & (shares > limits.some), past.flags[0], limits.m, limits.n)
    many, many_flags = m_of_n(partly & (shares > limits.many), past.flags[1], limits.m, limits.n)
    return Verdict(
        at=at,
        breach=partly & (shares > limits.some),
        level=graded([many, some], [Severity.HIGH.rank, Severity.WARNING.rank]),
        value=shares,
        limit=np.full(at.size, limits.some),
        past=Past((some_flags, many_flags), mark),
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    back = Advice(text=f"Go back to the last checkpoint before step {episode.first_step}.")
    call = Advice(text="Call the reward function on the newest completions; where parsing fails, return a penalty.")
    if episode.scope == _SHARE:
        return Telling(
            summary=f"Up to {percent(episode.peak)} of the replies got no score from any reward function "
            f"(since step {episode.first_step}, limit {percent(context.limits.some)}).",
            cause="The reward function returned None or NaN for them; the trainer counts that as 0 and says nothing.",
            advice=(call, back),
        )
    logs = "one log" if episode.rows == 1 else f"{episode.rows} logs"
    kl_alone = context.info.setting("beta") not in (None, 0.0)
    return Telling(
        summary=f"No reply got a reward in {logs} (steps {episode.first_step}–{episode.last_step}): the trainer logged None.",
        cause="The reward function returned None or NaN for every reply. The advantages were zero and training went on, "
        + ("moved by the KL term alone." if kl_alone else "moved by nothing."),
        advice=(call, back),
    )


RULE = RowRule(
    family=Family.REWARD,
    reads=("reward", _SHARE),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    scopes=scopes,
    window=lambda limits: limits.n,
)
