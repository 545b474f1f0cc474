"""Most updates of the value function are cut off by its clipping.

What it means
    The value function tries to follow the returns and is not let: in more than half of the tokens its new estimate differs from
    the old one by more than the clip range. The advantages stay wrong for longer than they need to.

Why it happens
    The clip range (`cliprange_value`) is in the unit of the reward, so rewards of another scale than about 1 make it far too
    narrow; or the value function begins far from the returns and learns fast.

What to do
    Scale or whiten the rewards (`whiten_rewards=True`), or widen `cliprange_value` to the size of a typical return. Starting
    the value function from the reward model shortens the way it has to go.

Where the limit comes from
    Catalogue: above 0.5 in five of eight logs, after the first five, in which a fresh value function moves far in healthy runs
    (TRL's PPO: 0.24). Studies of PPO's implementation (arXiv 2005.12729, 2006.05990) found that clipping the value function
    does not help and may hurt.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import LevelPast, Rung, finite_rows, watch_levels
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.trust_region import of_ppo
from rldk_tui.events import Severity
from rldk_tui.run import Rows


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        first: Updates at the beginning that do not count.
    """

    share: float = 0.5
    m: int = 5
    n: int = 8
    first: int = 5


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `seen` counts the logs."""

    seen: int = 0
    levels: LevelPast = field(default_factory=LevelPast)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The clipped share against its limit."""
    limits: Limits = context.limits
    at, share = finite_rows(rows, "value_clip_fraction")
    later = slice(max(0, limits.first - past.seen), None)
    said = watch_levels(share[later], at[later], past.levels, (Rung(limits.share, Severity.WARNING, limits.m, limits.n),))
    return Verdict(
        at=said.at,
        breach=said.breach,
        level=said.level,
        value=said.value,
        limit=said.limit,
        past=Past(past.seen + int(at.size), said.past),
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    today = info.setting("cliprange_value")
    wider = f"{2.5 * today:.2g}" if today else "0.5"
    return Telling(
        summary=f"Up to {episode.peak:.0%} of the value function's updates were clipped, at step {episode.peak_step} "
        f"(limit {episode.limit:.0%}).",
        cause="The returns are far from the old estimates, measured by the clip range.",
        advice=(
            set_to(info, "cliprange_value", "Widen the clip range of the value function", wider, current=today),
            set_to(
                info, "whiten_rewards", "Bring the rewards to a scale of 1", "True", current=info.config.get("whiten_rewards")
            ),
        ),
    )


RULE = RowRule(
    family=Family.VALUE,
    reads=("value_clip_fraction",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=of_ppo,
    window=lambda limits: limits.n,
    ceiling=Severity.WARNING,
    explained_by=("lr-out-of-band", "update-too-large"),
)
