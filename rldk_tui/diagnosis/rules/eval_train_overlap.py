"""The evaluation asks what the training has taught word for word.

What it means
    Prompts of the evaluation are also in the training data. What the evaluation then measures is how well they were learned by
    heart: a gain there is no gain anywhere else, and overfitting, which it is there to show, stays unseen.

Why it happens
    The split was made after duplicates had come in, by rows and not by prompts (several answers to one prompt), or the
    evaluation set is a slice of the set it is trained on. Public sets hold each other's questions.

What to do
    Take the evaluation's prompts out of the training data, split by prompt before anything else, and compare text without
    case, spaces and templates. Judge this run by other prompts.

Where the limit comes from
    Catalogue: more than 1 % of the evaluation's prompts is high. A single one is chance in a large set; Lee et al.
    (arXiv 2107.06499) found such overlap in over 4 % of the validation text of common corpora, with memorised text as a
    result.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis.levels import scope_rows
from rldk_tui.diagnosis.measurements import judged_alone, named
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows, RunInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """The share of the evaluation's prompts; see the manual."""

    high: float = 0.01


LIMITS = Limits()


def applies(info: RunInfo) -> str | None:
    """Runs that evaluate."""
    return "nothing is evaluated (eval_strategy='no')" if info.config.get("eval_strategy") == "no" else None


def watch(rows: Rows, _past: None, context: Context) -> Verdict[None]:
    """The share of prompts in both."""
    limits: Limits = context.limits
    return judged_alone(*scope_rows(rows, context), ((limits.high, Severity.HIGH),))


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    return Telling(
        summary=f"{percent(episode.peak)} of the evaluation's prompts are in the training data too "
        f"(limit {percent(episode.limit)}){named(episode, context)}.",
        cause="Training and evaluation data overlap, so the evaluation measures what was learned by heart.",
        advice=(Advice(text="Take these prompts out of the training data, and judge this run by others."),),
    )


RULE = RowRule(
    family=Family.CONFIG,
    reads=("hook/eval_overlap",),
    watch=watch,
    limits=LIMITS,
    fresh=None,
    tell=tell,
    needs=Need.HOOK,
    applies=applies,
    ceiling=Severity.HIGH,
)
