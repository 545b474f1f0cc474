"""The reward function returns nothing that can be scored.

What it means
    The trainer logged `None` as the reward: not one reply of the log got a number. TRL then sets all advantages to zero and
    trains on; only the KL term still acts on the weights, and loss and entropy look as fine as before.

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
    loss stayed finite. Only `reward` is judged: with several tasks one function may return None by design.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Kind, Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n


@dataclass(frozen=True, slots=True)
class Limits:
    """Logs in a row without a score from which it is critical; see the manual."""

    critical: int = 3


LIMITS = Limits()


def applies(info: RunInfo) -> str | None:
    """Trainers that score replies by a function of the user's."""
    scoring = info.algorithm in (None, Algorithm.GRPO, Algorithm.RLOO, Algorithm.PPO, Algorithm.ONLINE_DPO)
    return None if scoring else "this trainer scores no replies"


def watch(rows: Rows, past: Floats, context: Context) -> Verdict[Floats]:
    """None where a reward was logged."""
    limits: Limits = context.limits
    column = rows.column("reward")
    at = np.flatnonzero(column.present)
    null = column.kinds[at] == Kind.NULL
    lasting, flags = m_of_n(null, past, limits.critical, limits.critical)
    level = np.where(lasting, Severity.CRITICAL.rank, np.where(null, Severity.HIGH.rank, 0))
    nowhere = np.full(at.size, np.nan)
    return Verdict(at=at, breach=null, level=level.astype(np.int8), value=nowhere, limit=nowhere, past=flags)


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    logs = "one log" if episode.rows == 1 else f"{episode.rows} logs"
    kl_alone = info.setting("beta") not in (None, 0.0)
    return Telling(
        summary=f"No reply got a reward in {logs} (steps {episode.first_step}–{episode.last_step}): the trainer logged None.",
        cause="The reward function returned None or NaN for every reply. The advantages were zero and training went on, "
        + ("moved by the KL term alone." if kl_alone else "moved by nothing."),
        advice=(
            Advice(text="Call the reward function on the newest completions; where parsing fails, return a penalty."),
            Advice(text=f"Go back to the last checkpoint before step {episode.first_step}."),
        ),
    )


RULE = RowRule(
    family=Family.REWARD,
    reads=("reward",),
    watch=watch,
    limits=LIMITS,
    fresh=NOTHING_YET,
    tell=tell,
    applies=applies,
)
