"""What to change, by what was found: the parameter's name as TRL spells it, where a parameter helps at all."""

from __future__ import annotations

from collections.abc import Iterator

from rldk_tui.analysis.rewards.anomalies import Anomaly, AnomalyKind
from rldk_tui.analysis.rewards.consistency import Consistency
from rldk_tui.analysis.rewards.patterns import Pattern, PatternName
from rldk_tui.analysis.rewards.stability import Shift, Stability
from rldk_tui.analysis.rewards.variance import MANY_TIED, Variance
from rldk_tui.charts.format import number, percent
from rldk_tui.events import Advice

INCONSISTENT = 0.05
"""Share of repeated replies with another reward from which it is told: one in twenty."""
_FEWEST_REPEATS = 20
_LOWER = "half of today's"

_OF_PATTERN: dict[PatternName, tuple[Advice, ...]] = {
    PatternName.COLLAPSED: (
        Advice(text="Sample replies that differ: one reward gives no gradient", parameter="temperature", proposed="1.0"),
        Advice(text="Compute ten rewards by hand: a parser that fails gives all of them the same number."),
    ),
    PatternName.SATURATED: (
        Advice(text="Give harder prompts to train_dataset, or a reward with more steps: this one has nothing left to tell.",
               parameter="train_dataset"),
    ),
    PatternName.STEP_CHANGE: (
        Advice(text="Look for what changed at that step: data, the reward function, a relaunch. If nothing, take smaller steps",
               parameter="learning_rate", proposed=_LOWER),
    ),
    PatternName.OSCILLATING: (
        Advice(text="Take smaller steps", parameter="learning_rate", proposed=_LOWER),
        Advice(text="Compare the period with the length of train_dataset in steps: one pass over sorted data looks the same.",
               parameter="shuffle_dataset", proposed="True"),
    ),
    PatternName.DECLINING: (
        Advice(text="Take smaller steps", parameter="learning_rate", proposed=_LOWER),
        Advice(text="Hold the policy closer to its reference (PPO: kl_coef)", parameter="beta", proposed="twice today's"),
    ),
    PatternName.BIMODAL: (
        Advice(text="If the two heaps are two kinds of prompts, judge each against its own (GRPO)", parameter="scale_rewards",
               proposed="group"),
    ),
    PatternName.HEAVY_TAILED: (
        Advice(text="Bound the reward in the reward function to where nearly all of it lies (RLOO clips it by itself)",
               parameter="reward_clip_range"),
        Advice(text="Divide by the spread of the whole batch, so that a few replies do not decide (GRPO)",
               parameter="scale_rewards", proposed="batch"),
    ),
}  # fmt: skip


def recommendations(
    stability: Stability, consistency: Consistency, variance: Variance, pattern: Pattern, anomalies: tuple[Anomaly, ...]
) -> tuple[Advice, ...]:
    """The most pressing first; nothing where nothing is wrong."""
    told = [*_of_anomalies(anomalies), *_of_consistency(consistency)]
    for one in (pattern, *pattern.also):
        told.extend(_OF_PATTERN.get(one.name, ()))
    told.extend(_of_variance(variance))
    told.extend(_of_stability(stability, pattern))
    return tuple(dict.fromkeys(told))


def _of_anomalies(anomalies: tuple[Anomaly, ...]) -> Iterator[Advice]:
    kinds = {anomaly.kind: anomaly for anomaly in anomalies}
    for kind in (AnomalyKind.NOT_FINITE, AnomalyKind.UNSCORED):
        if kind in kinds:
            yield Advice(
                text=f"{kinds[kind].message} Return a finite number for every reply, such as a low one for what cannot be "
                "parsed.",
                parameter="reward_funcs",
            )
    if AnomalyKind.OUTLIER in kinds:
        rows = ", ".join(kinds[AnomalyKind.OUTLIER].rows)
        yield Advice(
            text=f"Compute the rewards of rows {rows} by hand; bound the reward in the reward function to where nearly all "
            "of it lies (RLOO clips it by itself)",
            parameter="reward_clip_range",
        )


def _of_consistency(consistency: Consistency) -> Iterator[Advice]:
    same, near = consistency.same, consistency.near
    if same.compared >= _FEWEST_REPEATS and (same.differing or 0.0) > INCONSISTENT:
        yield Advice(
            text=f"{percent(same.differing)} of {same.compared} repeated replies got another reward than before, by up to "
            f"{number(same.largest)}: put the reward model into evaluation mode (dropout off), take randomness, time and "
            "outside services out of the reward function.",
            parameter="reward_funcs",
        )
    elif near.compared >= _FEWEST_REPEATS and (near.differing or 0.0) > INCONSISTENT:
        yield Advice(
            text=f"{percent(near.differing)} of {near.compared} replies that differ in case, spaces or punctuation only got "
            f"another reward, by up to {number(near.largest)}: normalise the text before it is scored.",
            parameter="reward_funcs",
        )
    agreement = consistency.agreement
    if agreement.groups and agreement.high < 0:
        yield Advice(
            text=f"Two rewards rank the replies to a prompt against each other (rank correlation {number(agreement.rho)}): "
            "decide which one is meant.",
            parameter="reward_weights",
        )


def _of_variance(variance: Variance) -> Iterator[Advice]:
    if variance.query_dominated:
        yield Advice(
            text=f"{percent(variance.between_share)} of the variance lies between prompts, where the policy cannot change it: "
            "judge each reply against the others to its prompt (GRPO; PPO: whiten_rewards=True)",
            parameter="scale_rewards",
            proposed="group",
        )
    if variance.tied_groups is not None and variance.groups > 1 and variance.tied_groups > MANY_TIED:
        yield Advice(
            text=f"In {percent(variance.tied_groups)} of the groups all replies got one reward: sample more of them, or "
            "prompts that are neither solved nor hopeless",
            parameter="num_generations",
            proposed="twice today's",
        )


def _of_stability(stability: Stability, pattern: Pattern) -> Iterator[Advice]:
    expected = {PatternName.IMPROVING, PatternName.DECLINING, PatternName.STEP_CHANGE}
    if stability.verdict is Shift.LARGE and not expected & {one.name for one in (pattern, *pattern.also)}:
        yield Advice(
            text="The rewards' distribution moved without a trend: compare with a reward that was computed anew by the same "
            "reward model on the first replies; if it is another, the reward changed and not the policy.",
            parameter="reward_funcs",
        )
