"""What a run tells of its reward: of the rewards its policy got, or of the pairs its reward model scored."""

from __future__ import annotations

import math
from dataclasses import dataclass

from msgspec.structs import replace

from rldk_tui.analysis.reward_record import RewardAccount
from rldk_tui.analysis.rewards.aspects import Aspect, aspects
from rldk_tui.analysis.rewards.model_aspects import aspects_of_model
from rldk_tui.events import Advice, Algorithm
from rldk_tui.run import RunSnapshot

_OF_MODEL = "samples/rm_"
_BESIDE = ("accuracy", "margin", "eval/accuracy", "eval/margin")
_ONLY_OF_A_POLICY = "samples/rm_outside_range"
_OF_ONE_TRAINER = {"scale_rewards": Algorithm.GRPO, "reward_clip_range": Algorithm.RLOO}
"""Settings that no other trainer has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """What is to be shown.

    Attributes:
        subject: What it is of, in a few words with numbers.
        aspects: What was looked at.
        advice: What to change.
        account: The rewards themselves; None for a reward model.
    """

    subject: str
    aspects: tuple[Aspect, ...]
    advice: tuple[Advice, ...] = ()
    account: RewardAccount | None = None


def reliability(account: RewardAccount | None, snapshot: RunSnapshot) -> Reliability | None:
    """Of the rewards where there are any, else of a reward model; None where the run tells of neither."""
    if account is not None:
        found = account.reliability
        subject = f"the last {found.window:,} of {found.seen:,} rewards, up to step {found.step:,}"
        return Reliability(
            subject=subject, aspects=aspects(found), advice=_for_this_run(found.recommendations, snapshot), account=account
        )
    values = _newest(snapshot)
    told = aspects_of_model(values) if "samples/rm_pairs" in values else ()
    if not told:
        return None
    return Reliability(subject=f"{int(values['samples/rm_pairs']):,} pairs that the reward model scored", aspects=told)


def _for_this_run(advice: tuple[Advice, ...], snapshot: RunSnapshot) -> tuple[Advice, ...]:
    """With today's values where they are known; what is set like that already, or cannot be set there, is left out."""
    trainer, config = snapshot.info.algorithm, snapshot.info.config
    here = (
        replace(one, parameter=None, proposed=None)
        if trainer is not None and _OF_ONE_TRAINER.get(one.parameter or "", trainer) is not trainer
        else one
        for one in advice
    )
    known = (replace(one, current=config.get(one.parameter or "")) for one in here)
    return tuple(one for one in known if one.proposed is None or str(one.current) != one.proposed)


def _newest(snapshot: RunSnapshot) -> dict[str, float]:
    """The newest finite value of each measure of a reward model."""
    names = [name for name in snapshot.metric_names() if name.startswith(_OF_MODEL) or name in _BESIDE]
    series = {name: snapshot.series(name).latest for name in names if name != _ONLY_OF_A_POLICY}
    return {name: value for name, value in series.items() if value is not None and math.isfinite(value)}
