"""The value function has lost the returns: its loss exploded.

What it means
    The loss of the value function stays at many times its usual height. Its estimates no longer fit the returns, so the
    advantages made from them are noise, and the policy is trained on that noise.

Why it happens
    The rewards changed their scale (another reward model, a missing normalization, an outlier), the value function learns at a
    rate too high, or its clipping is off and one wild batch threw it far away.

What to do
    Compare the scale of the rewards before and after: if it changed, mend that and go back to a checkpoint before. If not,
    lower `learning_rate` or `vf_coef`, keep `cliprange_value` at 0.2, and whiten the rewards.

Where the limit comes from
    Catalogue: ten times the median of the last 50 logs. Early in a run the loss rises while the reward climbs, which TRL's
    training FAQ calls normal: the first 20 updates do not count, and while the reward rises only a hundred times the median
    does. Single replies far from the reference make spikes of forty times the median in healthy runs, with usual values
    between them; a value function that is lost does not return, so all of the last five logs must lie above.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.beside import RewardPast, reward_direction
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.trust_region import of_ppo
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n, rolling_median


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        times: Multiples of the usual loss.
        far: Multiples that count even while the reward rises.
        usual: Logs the usual loss is the median of; they end where the last `n` begin.
        first: Logs there must be before anything is said.
        n: Logs in a row.
    """

    times: float = 10.0
    far: float = 100.0
    usual: int = 50
    first: int = 20
    n: int = 5


LIMITS = Limits()
_USUAL_CLIP = 0.2
_NEGLIGIBLE = 1e-6
"""A value loss below this is none, whatever it was before."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: the medians' values, the usual losses not yet due, flags, and the reward's direction."""

    losses: Floats = field(default_factory=lambda: NOTHING_YET)
    due: Floats = field(default_factory=lambda: NOTHING_YET)
    flags: tuple[Floats, Floats] = (NOTHING_YET, NOTHING_YET)
    reward: RewardPast = field(default_factory=RewardPast)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The loss against its own median before the last few logs."""
    limits: Limits = context.limits
    at, loss = finite_rows(rows, "value_loss")
    n = cadence.window(limits.n, context.info)
    median, losses = rolling_median(loss, past.losses, limits.usual, limits.first)
    known = np.concatenate((past.due, median))
    delayed = np.concatenate((np.full(max(0, n - past.due.size), np.nan), known))[: at.size]
    usual = np.maximum(delayed, _NEGLIGIBLE)
    above, flags = m_of_n(loss > limits.times * usual, past.flags[0], n, n)
    far, far_flags = m_of_n(loss > limits.far * usual, past.flags[1], n, n)
    direction, reward = reward_direction(rows, at, past.reward)
    return Verdict(
        at=at,
        breach=loss > limits.times * usual,
        level=np.where(far | (above & (direction != 1.0)), Severity.HIGH.rank, 0).astype(np.int8),
        value=loss,
        limit=limits.times * usual,
        past=Past(losses, known[max(0, known.size - n) :], (flags, far_flags), reward),
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    whiten = info.config.get("whiten_rewards")
    clip = info.setting("cliprange_value")
    narrow = clip is not None and clip > _USUAL_CLIP
    return Telling(
        summary=f"The value loss rose to {episode.peak:.3g} at step {episode.peak_step}; it was about "
        f"{episode.limit / limits.times:.2g} before step {episode.first_step}.",
        cause="The returns changed their scale, or the value function was thrown away from them and cannot come back.",
        advice=(
            Advice(text=f"Compare the rewards before and after step {episode.first_step}: their scale should be the same."),
            *(
                (set_to(info, "cliprange_value", "Clip the value function's updates", f"{_USUAL_CLIP:g}", current=clip),)
                if narrow
                else ()
            ),
            *(() if whiten is True else (set_to(info, "whiten_rewards", "Whiten the rewards", "True", current=whiten),)),
        ),
    )


RULE = RowRule(
    family=Family.VALUE,
    reads=("value_loss",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=of_ppo,
    window=lambda limits: limits.n,
    ceiling=Severity.HIGH,
    adaptive=True,
    explained_by=("reward-shift", "reward-outliers", "lr-jump", "lr-out-of-band", "update-too-large"),
)
