"""A fault is told once an episode, whatever it does in between, and the log of the process says the same."""

from __future__ import annotations

import logging

import pytest

from rldk_tui.events import ExtractionError, Phase
from rldk_tui.integrations.trl.border import Border
from rldk_tui.integrations.trl.faults import Episodes, Faults


def told_at(faulty: set[int], rows: int) -> list[int]:
    episodes = Episodes()
    return [row for row in range(1, rows + 1) if row in faulty and episodes.begins("kl", row)]


def test_a_fault_that_lasts_is_told_once() -> None:
    assert told_at(set(range(3, 100)), 100) == [3]


def test_a_fault_that_pauses_briefly_is_the_same_and_one_that_comes_back_is_told_again() -> None:
    assert told_at({3, 6, 9, 40}, 50) == [3, 40]


def test_a_metric_that_flutters_for_ever_is_told_less_and_less() -> None:
    assert len(told_at(set(range(0, 100_000, 7)), 100_000)) == 2


def test_faults_with_ever_new_names_stay_within_bounds() -> None:
    episodes = Episodes()
    assert sum(episodes.begins(f"metric {number}", number) for number in range(5000)) == 1000
    assert len(episodes._last) == 1000


def test_event_and_warning_say_step_phase_value_and_advice_and_debug_the_raw_logs(caplog: pytest.LogCaptureFixture) -> None:
    events: list[ExtractionError] = []
    faults = Faults(events.append, Border(lambda _: None))
    error = ExtractionError(
        time=1.0,
        step=7,
        phase=Phase.TRAIN,
        metric="kl",
        message="Negative KL divergence: -0.1",
        value="-0.1",
        advice="Check it.",
    )
    with caplog.at_level(logging.DEBUG, logger="rldk_tui.integrations.trl"):
        for _ in range(3):
            faults.row(Phase.TRAIN, {"kl": -0.1, "own": "raw"})
            faults.tell(error, "negative")
    assert events == [error]
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "RLDK step 7 (train): Negative KL divergence: -0.1. Check it."
    ]
    assert len([record for record in caplog.records if "'own': 'raw'" in record.getMessage()]) == 3
    assert faults.found[Phase.TRAIN, "kl"] == 3


def test_a_logging_filter_that_raises_loses_no_event() -> None:
    def refuse(_: logging.LogRecord) -> bool:
        raise ZeroDivisionError("theirs")

    logger = logging.getLogger("rldk_tui.integrations.trl")
    logger.addFilter(refuse)
    try:
        events: list[ExtractionError] = []
        Faults(events.append, Border(lambda _: None)).tell(ExtractionError(time=1.0, message="NaN loss"), "nan")
    finally:
        logger.removeFilter(refuse)
    assert len(events) == 1
