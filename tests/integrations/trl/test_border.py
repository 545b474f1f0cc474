"""No failure of ours gets out, and none is hidden."""

from __future__ import annotations

import logging

import pytest

from rldk_tui.integrations.trl.border import Border


class UnspeakableError(Exception):
    """Cannot even be put into words."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def fail(failure: BaseException) -> None:
    raise failure


def test_work_that_succeeds_is_answered() -> None:
    assert Border(fail).attempt("add", lambda a, b: a + b, 1, b=2) == 3  # type: ignore[arg-type]


@pytest.mark.parametrize("failure", [ValueError("x"), KeyError("x"), MemoryError(), RecursionError(), AssertionError()])
def test_a_failure_is_told_by_what_was_tried(failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []
    with caplog.at_level(logging.WARNING):
        assert Border(told.append).attempt("record the metrics", fail, failure) is None
    assert len(told) == 1
    assert told[0].startswith(f"could not record the metrics: {type(failure).__name__}")
    assert told[0] in caplog.text


def test_the_same_failure_is_told_once_whatever_numbers_it_names() -> None:
    told: list[str] = []
    border = Border(told.append)
    for step in range(10):
        border.attempt("record a step", fail, ValueError(f"step {step} is odd"))
    border.attempt("record a step", fail, ValueError("another"))
    assert len(told) == 2


def test_failures_that_never_repeat_do_not_fill_a_disk() -> None:
    told: list[str] = []
    border = Border(told.append)
    for letter in range(1000):
        border.say(chr(0x4E00 + letter))
    assert len(told) == 100


def test_a_failure_that_cannot_be_described_is_told_by_its_name() -> None:
    told: list[str] = []
    assert Border(told.append).attempt("look", fail, UnspeakableError()) is None
    assert told == ["could not look: UnspeakableError"]


def test_a_teller_that_fails_does_not_get_out_either() -> None:
    def tell(message: str) -> None:
        raise OSError("the disk is gone")

    assert Border(tell).attempt("look", fail, ValueError()) is None


def test_somebody_elses_logging_filter_that_raises_keeps_no_failure_from_being_told() -> None:
    def refuse(record: logging.LogRecord) -> bool:
        raise RuntimeError("no logging here")

    logger = logging.getLogger("rldk_tui.integrations.trl")
    logger.addFilter(refuse)
    told: list[str] = []
    try:
        Border(told.append).attempt("look", fail, ValueError("x"))
    finally:
        logger.removeFilter(refuse)
    assert told


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_person_who_stops_the_training_is_not_held_back(stop: type[BaseException]) -> None:
    with pytest.raises(stop):
        Border(lambda _: None).attempt("look", fail, stop())
