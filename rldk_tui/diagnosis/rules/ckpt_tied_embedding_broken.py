"""Input and output embeddings are saved apart, although the config ties them.

What it means
    The model's config says that its input and output embeddings are one tensor, and the checkpoint holds two that differ. On
    loading, one of the two is thrown away: the loaded model is not the trained one, and mostly answers with noise.

Why it happens
    The embeddings were resized or wrapped (an adapter with `modules_to_save`, a quantised layer, a value head) in a way that
    made two tensors of one, or a sharded save gathered them separately, and `tie_word_embeddings` was left as it was.

What to do
    Call `model.tie_weights()` after resizing and before training. If they are meant to differ, set
    `model.config.tie_word_embeddings = False` and save again. Load this checkpoint and generate a few replies before it is
    used.

Where the limit comes from
    Nothing statistical: tied tensors are the same to the last bit, whatever they are saved as; a millionth allows for a
    conversion on the way. The semantics are those of transformers (`tie_word_embeddings`, `tie_weights`). Catalogue: high.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.charts.format import percent
from rldk_tui.checkpoints import words
from rldk_tui.checkpoints.limits import TIED_DIFFERENCE
from rldk_tui.diagnosis.levels import scope_rows
from rldk_tui.diagnosis.measurements import judged_alone, named
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows


@dataclass(frozen=True, slots=True)
class Limits:
    """The relative difference up to which two tensors are one."""

    difference: float = TIED_DIFFERENCE


LIMITS = Limits()


def watch(rows: Rows, _past: None, context: Context) -> Verdict[None]:
    """Two that should be one."""
    limits: Limits = context.limits
    return judged_alone(*scope_rows(rows, context), ((limits.difference, Severity.HIGH),))


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    return Telling(
        summary=f"The checkpoint of step {episode.first_step} holds "
        f"{words.embeddings_differ(percent(episode.peak))}{named(episode, context)}.",
        cause="Two tensors were trained or saved where the model has one; loading keeps only one of them.",
        advice=(
            Advice(text=words.TIE),
            Advice(text=words.UNTIE),
        ),
    )


RULE = RowRule(
    family=Family.CHECKPOINT,
    reads=("checkpoint/tied_mismatch",),
    watch=watch,
    limits=LIMITS,
    fresh=None,
    tell=tell,
    needs=Need.CHECKPOINT,
    close_after=1,
    reopen_within=2,
    ceiling=Severity.HIGH,
)
