"""Much of every update is cut off by the trust region.

What it means
    A large share of the tokens moved so far within one update that the trust region discards their gradient. What remains is
    trained on a small part of the batch, and the policy still moves further than the sampled replies can vouch for.

Why it happens
    The same replies are used too often or for too long (`num_iterations`, `steps_per_generation`, `num_ppo_epochs`), so that
    the policy has left the one that sampled them; the learning rate is too high; or the clip range is too narrow.

What to do
    Use each batch less often before sampling anew, or lower `learning_rate`. Widening `epsilon_high` (0.28, as in DAPO) helps
    only where rare tokens are cut off while everything else looks calm.

Where the limit comes from
    Catalogue: above 0.3 in three of six logs is high, above 0.2 in ten of fifteen a warning, twice that for ratios of whole
    replies (RLOO, GSPO), which scatter more. Usual PPO runs show up to 0.24. The first two updates do not count: Adam has no
    memory yet (TRL's PPO: 0.44 in a healthy first step). Where every reply is used once the share is always 0, and the rule
    is off.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import blame, cadence
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        whole: What ratios of whole replies may show, as a multiple.
        often: `m` of `n` logs for the warning.
        soon: `m` of `n` logs for high.
        first: Updates at the beginning that do not count.
    """

    warning: float = 0.2
    high: float = 0.3
    whole: float = 2.0
    often: tuple[int, int] = (10, 15)
    soon: tuple[int, int] = (3, 6)
    first: int = 2


LIMITS = Limits()
_NARROW = 0.01
"""A clip range below this cuts off most replies by design: GSPO trains with 3e-4."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `seen` counts the logs."""

    seen: int = 0
    flags: tuple[Floats, Floats] = (NOTHING_YET, NOTHING_YET)
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def applies(info: RunInfo) -> str | None:
    """Trainers with a trust region, where replies are used more than once."""
    if info.algorithm not in (None, Algorithm.PPO, *GROUPED):
        return "this trainer has no trust region"
    if info.algorithm in GROUPED and _fresh(info):
        return "every reply is used once (num_iterations=1), so nothing is ever clipped"
    epsilon = info.setting("epsilon")
    if epsilon is not None and epsilon < _NARROW:
        return f"a clip range of {epsilon:g} cuts off most replies by design"
    return None


def _fresh(info: RunInfo) -> bool:
    """Whether the settings tell that every reply is used for one update."""
    iterations, steps = info.setting("num_iterations"), info.setting("steps_per_generation")
    return iterations == 1 and (steps or 1.0) <= (info.setting("gradient_accumulation_steps") or 1.0)


def _of_replies(info: RunInfo) -> bool:
    """Whether the ratio is that of a whole reply."""
    level = info.config.get("importance_sampling_level")
    return info.algorithm is Algorithm.RLOO or (isinstance(level, str) and level.startswith("sequence"))


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The clipped share against both limits."""
    limits: Limits = context.limits
    info = context.info
    at, share = finite_rows(rows, "clip_fraction")
    scale = limits.whole if _of_replies(info) else 1.0
    counted = past.seen + np.arange(at.size) >= limits.first
    often, often_flags = m_of_n(
        counted & (share > scale * limits.warning), past.flags[0], *cadence.persistence(*limits.often, info)
    )
    soon, soon_flags = m_of_n(counted & (share > scale * limits.high), past.flags[1], *cadence.persistence(*limits.soon, info))
    facts, rate = blame.learning_rates(rows, at, past.rate)
    return Verdict(
        at=at,
        breach=counted & (share > scale * limits.warning),
        level=graded([soon, often], [Severity.HIGH.rank, Severity.WARNING.rank]),
        value=share,
        limit=np.full(at.size, scale * limits.warning),
        past=Past(past.seen + int(at.size), (often_flags, soon_flags), rate),
        facts=facts,
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    return Telling(
        summary=f"The trust region cut off up to {episode.peak:.0%} of the policy's update, at step {episode.peak_step} "
        f"(limit {episode.limit:.0%}).",
        cause=blame.cause(episode, info)
        or "The policy has moved too far from the one that sampled the replies it is trained on.",
        advice=(*_less_often(info), blame.lower_learning_rate(episode, info, guessed=True)),
    )


def _less_often(info: RunInfo) -> tuple[Advice, ...]:
    """The settings of the run that use a batch more than once."""
    if info.algorithm is Algorithm.PPO:
        used = {"num_ppo_epochs": "Make fewer passes over each batch"}
    else:
        used = {
            "num_iterations": "Use each batch of replies less often",
            "steps_per_generation": "Sample anew after fewer steps",
        }
    known = {name: info.setting(name) for name in used}
    return tuple(
        blame.set_to(info, name, used[name], f"{max(1, round(today / 2)):g}", current=today)
        for name, today in known.items()
        if today is not None and today > 1
    )


RULE = RowRule(
    family=Family.POLICY,
    reads=("clip_fraction",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: max(limits.often[1], limits.soon[1]),
    ceiling=Severity.HIGH,
    explained_by=("lr-jump", "lr-out-of-band", "update-too-large", "ppo-ratio-extreme"),
)
