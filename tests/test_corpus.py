"""Every file of the collection of real logs opens, or is declined with a reason; its points are the index's or explained."""

from __future__ import annotations

import pytest

from benchmarks.corpus import CORPUS, Line, table

pytestmark = pytest.mark.skipif(not (CORPUS / "INDEX.csv").exists(), reason=f"the collection of real logs is not at {CORPUS}")


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(table())


def test_every_file_opens_or_is_declined_with_a_reason(lines: list[Line]) -> None:
    assert [line.path for line in lines if line.reader is None and not line.said] == []
    assert [line.path for line in lines if "could not be read" in line.said] == []


def test_every_difference_to_the_index_is_explained(lines: list[Line]) -> None:
    assert [line for line in lines if line.explained is None] == []


def test_no_log_is_read_as_nothing(lines: list[Line]) -> None:
    assert [line.path for line in lines if line.points == 0 and not line.said] == []
