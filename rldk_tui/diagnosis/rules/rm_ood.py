"""The policy's replies score outside anything the reward model was evaluated on.

What it means
    A good part of the rewards lies beyond the scores that the reward model gave its own evaluation pairs. It has never been
    checked there, so a high score no longer says that the reply is good; this is where optimisation begins to exploit its
    errors.

Why it happens
    The policy has moved away from the replies the reward model learned from: a KL penalty too weak, a long training, other
    prompts than those of the preference data; or scores that were rescaled on the way.

What to do
    Read the replies that score highest. Collect preferences on the policy's own replies and train the reward model again,
    score with several reward models and take the lowest, cut rewards to the range it was evaluated on, or raise `beta`
    (PPO: `kl_coef`).

Where the limit comes from
    Catalogue: more than 20 % of the rewards outside the reward model's 0.1 % to 99.9 % quantiles in 5 of 10 measurements, where
    0.2 % is expected. Gao et al. (arXiv 2210.10760) measure how the true reward falls while such scores rise; Coste et al.
    (arXiv 2310.02743) hold ensembles against it.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import kl
from rldk_tui.diagnosis.levels import LevelPast, Rung, scope_rows, watch_levels
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """Share of rewards outside the range, in `m` of `n` measurements."""

    share: float = 0.2
    m: int = 5
    n: int = 10


LIMITS = Limits()


def applies(info: RunInfo) -> str | None:
    """Trainers whose replies are scored."""
    scored = info.algorithm is None or info.algorithm in ONLINE
    return None if scored else "this trainer samples no replies to score"


def watch(rows: Rows, past: LevelPast, context: Context) -> Verdict[LevelPast]:
    """The share outside, against its limit."""
    limits: Limits = context.limits
    at, shares = scope_rows(rows, context)
    return watch_levels(shares, at, past, (Rung(limits.share, Severity.WARNING, limits.m, limits.n),))


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    return Telling(
        summary=f"Up to {percent(episode.peak)} of the rewards lay outside what the reward model gave its evaluation pairs "
        f"(step {episode.peak_step}, limit {percent(episode.limit)}).",
        cause="The policy has left the replies on which the reward model was trained and checked, or scores were rescaled.",
        advice=(
            Advice(text="Read the replies that score highest, and compare them with what people prefer."),
            Advice(text="Collect preferences on the policy's own replies and train the reward model again."),
            kl.raise_penalty(context.info),
        ),
    )


RULE = RowRule(
    family=Family.REWARD,
    reads=("samples/rm_outside_range",),
    watch=watch,
    limits=LIMITS,
    fresh=LevelPast(),
    tell=tell,
    needs=Need.SAMPLES,
    applies=applies,
    window=lambda limits: limits.n,
    ceiling=Severity.WARNING,
    explained_by=("kl-too-high",),
)
