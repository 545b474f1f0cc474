"""The unit of the KL is not known.

What it means
    The log has a KL, but nothing tells which trainer wrote it. The same number is small for one trainer and a catastrophe for
    another, so the rules about KL leave it alone: their silence is no good news.

Why it happens
    The log carries no config and no name of a trainer, as a bare TensorBoard file or a state file of a checkpoint does, or
    the trainer is not one of TRL's.

What to do
    Train with RLDKCallback, which records the trainer and its config, or keep the model card that TRL writes beside the
    checkpoints. By hand: GRPO and RLOO log nats a token, PPO and Online DPO nats a whole reply; divide by the reply length to
    compare.

Where the limit comes from
    Source of TRL: PPO sums the KL over the reply, GRPO and RLOO take the mean over tokens, so that a KL of 5 is healthy in one
    and far beyond repair in the other. Where metrics that only GRPO and RLOO log stand beside it, the unit is told by them.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.diagnosis.rule import Family, StateRule, StateVerdict, Telling
from rldk_tui.events import Advice, Severity
from rldk_tui.run import RunSnapshot


@dataclass(frozen=True, slots=True)
class Limits:
    """What tells the unit without a trainer.

    Attributes:
        a_token: Metrics of trainers that log nats a token, and of no others.
    """

    a_token: tuple[str, ...] = ("completions/clipped_ratio", "frac_reward_zero_std")


LIMITS = Limits()


def evaluable(snapshot: RunSnapshot) -> str | None:
    """Only a run with a KL."""
    return None if "kl" in snapshot.metric_names() else "kl is not logged"


def judge(snapshot: RunSnapshot, limits: Limits) -> StateVerdict | None:
    """A KL of nobody knows which trainer."""
    if snapshot.info.algorithm is not None:
        return None
    names = set(snapshot.metric_names())
    if "kl" not in names or names.intersection(limits.a_token):
        return None
    telling = Telling(
        summary="A KL is logged, but not by which trainer: whether it is per token or per reply is unknown.",
        cause="The log holds neither the trainer's config nor a model card.",
        advice=(Advice(text="Add RLDKCallback to the trainer, or keep the README.md that TRL writes beside the checkpoints."),),
    )
    first = next((step for segment in snapshot.segments if (step := segment.first_step("kl")) is not None), 0)
    return StateVerdict(severity=Severity.INFO, step=first, telling=telling)


RULE = StateRule(limits=LIMITS, family=Family.METRICS, judge=judge, evaluable=evaluable, ceiling=Severity.INFO)
