"""The file by which somebody outside asks a training to stop: written whole, read with care, gone when it was honoured."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from rldk_tui.events.stop_request import request_stop, stop_request_path, waiting_stop_request, withdraw_stop_request


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "rldk").mkdir()
    return tmp_path


def test_a_request_is_read_as_it_was_written_until_it_is_withdrawn(run: Path) -> None:
    assert waiting_stop_request(run) is None
    asked = request_stop(run, "the disk is needed", by="ann@node1")
    assert waiting_stop_request(run) == asked
    assert asked.sentence == "stopped on request of ann@node1: the disk is needed"
    assert [file.name for file in (run / "rldk").iterdir()] == ["stop-requested.json"]
    withdraw_stop_request(run)
    withdraw_stop_request(run)
    assert waiting_stop_request(run) is None


def test_whoever_asks_is_named(run: Path) -> None:
    assert "@" in request_stop(run).by


@pytest.mark.parametrize("text", [b"", b"null", b"{", b'{"time":"now","by":"x"}', b"\xff" * 100, b"[" * 100_000])
def test_what_is_no_request_is_an_error_that_says_so(run: Path, text: bytes) -> None:
    stop_request_path(run).write_bytes(text)
    with pytest.raises((msgspec.MsgspecError, RecursionError)):
        waiting_stop_request(run)


def test_a_request_of_any_length_makes_a_short_sentence(run: Path) -> None:
    assert len(request_stop(run, "x" * 20_000, by="y" * 20_000).sentence) < 1000
