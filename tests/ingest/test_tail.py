"""A file is followed exactly, whatever happens to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.ingest.tail import Tail


class Looker:
    """Looks as a follower does: with another tail if this one says that the file is another."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.tail = Tail(file)

    def look(self) -> bytes:
        if self.tail.restarted():
            self.tail = Tail(self.file)
        return b"".join(self.tail.read())


@given(st.lists(st.binary(max_size=600), max_size=12))
def test_the_pieces_of_all_looks_are_the_file(tmp_path_factory: pytest.TempPathFactory, growth: list[bytes]) -> None:
    file = tmp_path_factory.mktemp("tail") / "log"
    file.touch()
    looker = Looker(file)
    got = b""
    for piece in growth:
        with file.open("ab") as log:
            log.write(piece)
        got += looker.look()
    assert got == b"".join(growth)


@given(st.binary(min_size=2, max_size=600), st.binary(min_size=1, max_size=900))
def test_a_file_that_is_another_now_is_read_from_its_beginning(
    tmp_path_factory: pytest.TempPathFactory, before: bytes, after: bytes
) -> None:
    file = tmp_path_factory.mktemp("tail") / "log"
    file.write_bytes(before)
    looker = Looker(file)
    assert looker.look() == before
    file.write_bytes(after)
    seen = looker.look()
    # A file that begins as before and is no shorter cannot be told from one that grew.
    grew = len(after) >= len(before) and after.startswith(before[:256])
    assert seen == (after[len(before) :] if grew else after)


def test_a_shorter_file_is_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"one\ntwo\n")
    looker = Looker(file)
    looker.look()
    os.truncate(file, 4)
    assert looker.tail.restarted()
    assert looker.look() == b"one\n"


def test_an_idle_look_reads_nothing(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"one\n")
    looker = Looker(file)
    looker.look()
    file.chmod(0o000)  # root may open it all the same, so the proof is that nothing comes
    assert not looker.tail.restarted()
    assert looker.look() == b""
