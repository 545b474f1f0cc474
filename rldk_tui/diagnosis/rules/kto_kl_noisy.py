"""KTO's baseline rests on too few examples.

What it means
    KTO compares each example with the KL of the whole batch, estimated by pairing every prompt with another example's reply.
    From two or three such pairs that estimate is mostly noise: the same example counts as good in one step and as bad in the
    next, and the loss follows the noise.

Why it happens
    The pairing happens within `per_device_train_batch_size` on each device; gradient accumulation does not add to it. Small
    batches for the sake of memory take the baseline with them.

What to do
    Raise `per_device_train_batch_size` to 8 or more; gradient checkpointing makes room for it. Where that does not fit,
    `loss_type="apo_zero_unpaired"` needs no baseline at all.

Where the limit comes from
    TRL's KTO documentation asks for a real batch of at least 4, and the trainer refuses 1; its default is 8. The baselines of
    all devices are averaged, so what counts is the batch over all of them. Catalogue: below 4 a warning.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.rule import ConfigRule, Family, StateVerdict, Telling
from rldk_tui.events import Algorithm, Severity
from rldk_tui.run import RunInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """Examples over all devices from which the baseline is worth something."""

    batch: float = 4.0


LIMITS = Limits()
_PROPOSED = 8
_WITHOUT_BASELINE = "apo_zero_unpaired"


def applies(info: RunInfo) -> str | None:
    """KTO with the baseline in its loss."""
    if info.algorithm is not Algorithm.KTO:
        return "only KTO has this baseline"
    return "this loss needs no baseline" if info.config.get("loss_type") == _WITHOUT_BASELINE else None


def judge(info: RunInfo, limits: Limits) -> StateVerdict | None:
    """The batch that is paired with itself."""
    each = info.setting("per_device_train_batch_size")
    if each is None or each * info.world_size >= limits.batch:
        return None
    devices = f" on each of {info.world_size} devices" if info.world_size > 1 else ""
    return StateVerdict(
        severity=Severity.WARNING,
        telling=Telling(
            summary=f"KTO estimates its baseline from batches of {each:g}{devices} (fewer than {limits.batch:g} examples).",
            cause="The baseline pairs the examples of a batch with each other; gradient accumulation does not add to it.",
            advice=(
                set_to(
                    info,
                    "per_device_train_batch_size",
                    "Pair more examples with each other",
                    str(_PROPOSED),
                    current=each,
                ),
                set_to(
                    info, "loss_type", "Or do without the baseline", _WITHOUT_BASELINE, current=info.config.get("loss_type")
                ),
            ),
        ),
    )


RULE = ConfigRule(
    family=Family.PREFERENCE,
    settings=("per_device_train_batch_size",),
    judge=judge,
    limits=LIMITS,
    applies=applies,
    ceiling=Severity.WARNING,
)
