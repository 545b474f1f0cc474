"""The callback could not record something.

What it means
    A value or a measurement is missing from the record because taking it failed. The training went on untouched, but what is
    missing cannot be diagnosed; every failure is kept in the log, none is passed over in silence.

Why it happens
    The trainer logged something that is no number, a library changed, the disk is full or the folder cannot be written, or it
    is a mistake of this tool.

What to do
    Read the message. If it is a metric of your own, log a plain number. Otherwise report it with the message and the versions
    of trl and transformers, which stand in the log's first line.

Where the limit comes from
    Catalogue: any failure is told, once for each kind; failures in more than 1 % of the logs are high. The callback writes each
    kind of failure once an episode, so counts are of kinds, metrics and episodes. Values that the trainer logged and that are
    no usable numbers, or that it did not log, are kept too, but judged by the rules on the rows themselves, not here.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.diagnosis.rule import Family, StateRule, StateVerdict, Telling
from rldk_tui.events import Advice, ExtractionError, ExtractionKind, Severity
from rldk_tui.run import RunSnapshot


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        share: Failures as a share of the logs from which it is high, and `at_least` how many.
        told: Names that the words list.
    """

    share: float = 0.01
    at_least: int = 5
    told: int = 4


LIMITS = Limits()


def evaluable(snapshot: RunSnapshot) -> str | None:
    """Nothing but the callback records failures, and it records its launch first."""
    return None if snapshot.recorded else "no log of the callback is there, which records failures"


def judge(snapshot: RunSnapshot, limits: Limits) -> StateVerdict | None:
    """What failed, and how often."""
    errors = tuple(error for error in snapshot.extraction_errors if error.kind is ExtractionKind.FAILED)
    if not errors:
        return None
    logs = sum(len(segment.rows) for segment in snapshot.segments)
    grave = len(errors) >= limits.at_least and len(errors) > limits.share * logs
    first = min((error.step for error in errors if error.step is not None), default=0)
    return StateVerdict(
        severity=Severity.HIGH if grave else Severity.WARNING, step=first, telling=_telling(errors, limits.told)
    )


def _telling(errors: tuple[ExtractionError, ...], told: int) -> Telling:
    names = tuple(dict.fromkeys(error.metric for error in errors if error.metric is not None))
    listed = f" ({', '.join(names[:told])}{', ...' if len(names) > told else ''})" if names else ""
    times = "once" if len(errors) == 1 else f"{len(errors)} times"
    message = " ".join(errors[0].message.split())
    hints = dict.fromkeys(error.advice for error in errors if error.advice)
    return Telling(
        summary=f"Recording failed {times}{listed}: {message[:_LONGEST]}",
        cause="Something the callback was to record was no number, or could not be measured or written.",
        advice=(
            *(Advice(text=hint) for hint in list(hints)[:told]),
            Advice(text="Log plain numbers; report any other failure with its message and the versions of trl."),
        ),
    )


_LONGEST = 200

RULE = StateRule(limits=LIMITS, family=Family.METRICS, judge=judge, evaluable=evaluable, ceiling=Severity.HIGH)
