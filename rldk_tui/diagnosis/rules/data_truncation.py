"""Training examples are cut off before their end, or pairs are alike.

What it means
    Examples longer than `max_length` lose their end. In SFT the model learns answers that break off and never an end token; in
    preference training the part in which the two answers differ may be what was cut, and a pair that is the same twice after
    cutting teaches nothing.

Why it happens
    TRL cuts at 1024 tokens unless told otherwise and says nothing of it. Chat templates, long prompts and reasoning make
    examples longer than they look. Pairs are alike, too, where a tokenizer that is not the model's own maps every word it
    does not know to one token.

What to do
    Raise `max_length` (set it to None where memory allows), leave the longest examples out of the data, or in SFT pack them
    with `packing=True` and `packing_strategy="bfd"`. For prompts that are too long, shorten the prompts, not the answers.

Where the limit comes from
    Catalogue: more than 5 % cut is a warning, more than 25 % high; more than 1 % of pairs alike after cutting is high, for
    those pairs are lost altogether. "Fewer Truncations Improve Language Modeling" (arXiv 2404.10830) measures what it costs;
    `max_length=1024` and `truncation_mode="keep_start"` are the defaults of TRL.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import scope_rows
from rldk_tui.diagnosis.measurements import each_measured, judged_alone, named
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo

CUT, ALIKE = "hook/data_truncated", "hook/data_identical_pairs"


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares of the training data; see the manual."""

    warning: float = 0.05
    high: float = 0.25
    alike: float = 0.01


LIMITS = Limits()


def applies(info: RunInfo) -> str | None:
    """Trainers that learn from given text."""
    learns = {None, Algorithm.SFT, Algorithm.DPO, Algorithm.KTO, Algorithm.REWARD}
    return None if info.algorithm in learns else "this trainer samples the text it learns from"


def watch(rows: Rows, _past: None, context: Context) -> Verdict[None]:
    """The share that was cut, or the share of pairs that are alike."""
    limits: Limits = context.limits
    at, share = scope_rows(rows, context)
    if context.scope == ALIKE:
        return judged_alone(at, share, ((limits.alike, Severity.HIGH),))
    return judged_alone(at, share, ((limits.warning, Severity.WARNING), (limits.high, Severity.HIGH)))


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limit = info.setting("max_length")
    where = f" at max_length={limit:g} tokens" if limit else ""
    if episode.scope == ALIKE:
        summary = f"{percent(episode.peak)} of the pairs are the same tokens twice once they are cut{where}"
        cause = "Chosen and rejected answer differ only beyond the limit, or in words that the tokenizer does not know."
    else:
        summary = f"{percent(episode.peak)} of the training examples are cut off{where}"
        cause = "These examples are longer than the trainer takes, and their ends are left out."
    longer = set_to(
        info, "max_length", "Take longer examples", f"{2 * limit:g}" if limit else "twice today's value", current=limit
    )
    packed = set_to(info, "packing", "Or pack examples into full rows", "True", current=info.config.get("packing"))
    return Telling(
        summary=f"{summary} (limit {percent(episode.limit)}){named(episode, context)}.",
        cause=cause,
        advice=(
            longer,
            *([packed] if info.algorithm is Algorithm.SFT else []),
            *([Advice(text="Decode some of the tokenized pairs and read them.")] if episode.scope == ALIKE else []),
            Advice(text="Leave out examples that are longer than you can take."),
        ),
    )


RULE = RowRule(
    family=Family.CONFIG,
    reads=(CUT, ALIKE),
    watch=watch,
    limits=LIMITS,
    fresh=None,
    tell=tell,
    needs=Need.HOOK,
    applies=applies,
    scopes=each_measured,
    ceiling=Severity.HIGH,
)
