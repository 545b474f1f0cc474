"""The reward model prefers longer replies, whatever they say.

What it means
    Among pairs with the same label the longer reply gets the higher score. A policy trained on such scores learns to write
    more before it learns to write better, and its reward rises all the while.

Why it happens
    Annotators, and judges that are models, prefer length, so the chosen replies of most preference sets are longer; a model
    that counts tokens then ranks most pairs rightly.

What to do
    Balance the pairs: as many whose chosen reply is the shorter one, or leave out those with the largest difference. Weigh
    the pairs by a margin of their own, or subtract a fitted length term from the score before a policy is trained on it.

Where the limit comes from
    Catalogue: a rank correlation of the differences in length and in score, given the label, above 0.3 on at least 300 pairs
    with a lower end above 0.15 is a warning, above 0.5 (lower end above 0.3) high. Given the label, because better replies
    may well be longer. Singhal et al. (arXiv 2310.03716) show how much of RLHF's gain is length; ODIN (arXiv 2402.07319)
    separates the two.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.diagnosis.surely import watch_surely
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """Partial rank correlation, the lower end of its interval for each severity, and the fewest pairs."""

    warning: float = 0.3
    warning_low: float = 0.15
    high: float = 0.5
    high_low: float = 0.3
    pairs: int = 300


LIMITS = Limits()


def applies(info: RunInfo) -> str | None:
    """Reward models."""
    return None if info.algorithm in (None, Algorithm.REWARD) else "this trainer does not train a reward model"


def watch(rows: Rows, _past: None, context: Context) -> Verdict[None]:
    """Each measurement by itself."""
    limits: Limits = context.limits
    return watch_surely(
        rows,
        "samples/rm_length_bias",
        "samples/rm_length_bias_low",
        "samples/rm_pairs",
        least=limits.pairs,
        rungs=((limits.warning, limits.warning_low, Severity.WARNING), (limits.high, limits.high_low, Severity.HIGH)),
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    limits: Limits = context.limits
    count, low = episode.facts["count"], episode.facts["low"]
    return Telling(
        summary=f"Longer replies scored higher whatever their label: rank correlation {episode.peak:.2g} at step "
        f"{episode.peak_step} ({count:.0f} pairs, at least {low:.2g}; limit {limits.warning:g}).",
        cause="The chosen replies of the training pairs are mostly the longer ones, so length ranks most pairs rightly.",
        advice=(
            Advice(text="Balance the pairs, so that the chosen reply is as often the shorter one."),
            Advice(text="Subtract a fitted length term from the score before a policy is trained on it."),
        ),
    )


RULE = RowRule(
    family=Family.REWARD_MODEL,
    reads=("samples/rm_length_bias",),
    watch=watch,
    limits=LIMITS,
    fresh=None,
    tell=tell,
    needs=Need.SAMPLES,
    applies=applies,
    close_after=2,
    reopen_within=4,
    ceiling=Severity.HIGH,
)
