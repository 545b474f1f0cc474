"""Which fields this training cannot tell, each with the reason: told once, so that nobody waits for them."""

from __future__ import annotations

import logging
import time

from rldk_tui.events import Algorithm, ExtractionError, ExtractionKind
from rldk_tui.integrations.trl.metrics_record.facts import setting_of
from rldk_tui.integrations.trl.metrics_record.record import RLDKMetrics
from rldk_tui.integrations.trl.metrics_record.sources import applicable, sources
from rldk_tui.integrations.trl.part import Training
from rldk_tui.metrics import lookup
from rldk_tui.metrics.expected import due
from rldk_tui.metrics.metric import GROUPED

_INSIDE = "this trainer does not tell it"
_NO_TRAINER = "the callback was not given the trainer"
_ATTACH = "call RLDKCallback.attach(trainer) before train()"
_NO_REFERENCE = "beta is 0, so no reference model is loaded"
_NO_REPOSITORY = "it does not run in a git repository with a commit"
_NOT_SET = "the config sets none"
_SETTINGS = ("target_kl", "clip_range", "clip_range_value", "kl_coef", "advantage_normalized")
_NOT_OF_THE_TRAINING = ("gpu_", "torch_", "process_", "host_", "disk_", "step_", "tokens_", "samples_")
"""Of the machine and of time: a machine without a GPU and a trainer that counts no tokens are no riddle."""


def unavailable(training: Training, record: RLDKMetrics) -> tuple[ExtractionError, ...]:
    """One event a reason, of the fields that a training of this kind has and this one cannot tell.

    Left out is what the trainer should have logged: that is missing, and told as such.
    """
    reasons: dict[tuple[str, str | None], list[str]] = {}
    for field in record.missing():
        if field.startswith(_NOT_OF_THE_TRAINING) or not applicable(field, training.algorithm):
            continue
        names = sources(field, training.algorithm)
        if not any(due(name, training.algorithm, vars(training.args)) for name in names):
            reasons.setdefault(_reason(field, names, training), []).append(field)
    events = tuple(_event(record.step, fields, *reason) for reason, fields in reasons.items())
    for event in events:
        training.border.log(logging.INFO, "RLDK %s", event.message)
    return events


def _reason(field: str, names: tuple[str, ...], training: Training) -> tuple[str, str | None]:
    """Why, and what would help."""
    if field in _SETTINGS:
        return _NOT_SET, None
    if field == "git_sha":
        return _NO_REPOSITORY, None
    if field == "kl_mean" and training.algorithm in GROUPED and setting_of(training, "beta") == 0.0:
        return _NO_REFERENCE, lookup("kl").to_log
    hook = f"hook/{field}"
    inside = field == "dataset_size" or (hook in names and training.algorithm is Algorithm.PPO)
    if inside and training.trainer is None:
        return _NO_TRAINER, _ATTACH
    return _INSIDE, None


def _event(step: int, fields: list[str], reason: str, advice: str | None) -> ExtractionError:
    return ExtractionError(
        time=time.time(),
        step=step,
        kind=ExtractionKind.UNAVAILABLE,
        message=f"not measured in this training, since {reason}: {', '.join(fields)}",
        advice=advice,
    )
