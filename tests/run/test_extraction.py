"""Fifty errors of extraction are a few lines of any face."""

from __future__ import annotations

from rldk_tui.events import ExtractionError, ExtractionKind, Phase
from rldk_tui.run.extraction import faulty, troubles


def error(step: int | None, message: str, **more: object) -> ExtractionError:
    return ExtractionError(time=1.0, step=step, message=message, **more)  # type: ignore[arg-type]


def test_the_same_trouble_at_many_steps_is_told_once_with_its_newest_words() -> None:
    errors = [
        error(step, f"Negative KL divergence: -{step / 10:.3g}", metric="kl", kind=ExtractionKind.VALUE)
        for step in range(1, 51)
    ]
    (trouble,) = troubles(errors)
    assert (trouble.count, trouble.first, trouble.last) == (50, 1, 50)
    assert trouble.message == "Negative KL divergence: -5"


def test_different_metrics_phases_and_kinds_stay_apart() -> None:
    errors = [
        error(1, "NaN loss", metric="loss", phase=Phase.TRAIN, kind=ExtractionKind.VALUE),
        error(1, "NaN loss", metric="loss", phase=Phase.EVAL, kind=ExtractionKind.VALUE),
        error(2, "NaN kl", metric="kl", phase=Phase.TRAIN, kind=ExtractionKind.VALUE),
        error(3, "Missing kl", metric="kl", phase=Phase.TRAIN, kind=ExtractionKind.MISSING),
    ]
    assert len(troubles(errors)) == 4


def test_what_is_rightly_unavailable_comes_last_and_is_no_fault() -> None:
    apart = error(2, "not measured in this training", kind=ExtractionKind.UNAVAILABLE)
    failed = error(None, "could not read the versions")
    assert [trouble.kind for trouble in troubles([apart, failed])] == [ExtractionKind.FAILED, ExtractionKind.UNAVAILABLE]
    assert faulty([apart, failed]) == (failed,)
