"""A file is followed exactly, whatever happens to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.ingest.tail import Tail


def look(tail: Tail) -> bytes:
    """What a follower gets: from the beginning again if the tail says that the file is another."""
    if tail.restarted():
        tail.start_over()
    return b"".join(tail.read())


@given(st.lists(st.binary(max_size=600), max_size=12))
def test_the_pieces_of_all_looks_are_the_file(tmp_path_factory: pytest.TempPathFactory, growth: list[bytes]) -> None:
    file = tmp_path_factory.mktemp("tail") / "log"
    file.touch()
    tail = Tail(file)
    got = b""
    for piece in growth:
        with file.open("ab") as log:
            log.write(piece)
        got += look(tail)
    assert got == b"".join(growth)


@given(st.binary(min_size=2, max_size=600), st.binary(min_size=1, max_size=900))
def test_a_file_that_is_another_now_is_read_from_its_beginning(
    tmp_path_factory: pytest.TempPathFactory, before: bytes, after: bytes
) -> None:
    file = tmp_path_factory.mktemp("tail") / "log"
    file.write_bytes(before)
    tail = Tail(file)
    assert look(tail) == before
    file.write_bytes(after)
    seen = look(tail)
    # A file that begins as before and is no shorter cannot be told from one that grew.
    grew = len(after) >= len(before) and after.startswith(before[:256])
    assert seen == (after[len(before) :] if grew else after)


def test_a_shorter_file_is_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"one\ntwo\n")
    tail = Tail(file)
    look(tail)
    os.truncate(file, 4)
    assert tail.restarted()
    assert look(tail) == b"one\n"


def test_an_idle_look_reads_nothing(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"one\n")
    tail = Tail(file)
    look(tail)
    file.chmod(0o000)  # root may open it all the same, so the proof is that nothing comes
    assert not tail.restarted()
    assert look(tail) == b""
