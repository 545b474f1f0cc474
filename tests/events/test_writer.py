"""The writer loses nothing it can keep, raises nothing, and never cuts into another line."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rldk_tui.events import Event, Heartbeat, Metrics, RunStarted, decode_line
from rldk_tui.events.writer import EventWriter


def beat(step: int) -> Heartbeat:
    return Heartbeat(time=float(step), step=step)


def steps(log: Path) -> list[int | None]:
    """The step of every heartbeat, None for any other line."""
    return [_step(line) for line in log.read_bytes().splitlines() if line]


def _step(line: bytes) -> int | None:
    try:
        event = decode_line(line)
    except ValueError:
        return None
    return event.step if isinstance(event, Heartbeat) else None


def test_the_first_append_makes_the_folder_and_every_line_is_whole(tmp_path: Path) -> None:
    with EventWriter(tmp_path / "run" / "rldk" / "events.jsonl") as writer:
        assert all(writer.append(beat(step)) for step in range(5))
    assert steps(writer.path) == [0, 1, 2, 3, 4]
    assert (writer.lost, writer.problem) == (0, None)


def test_nothing_is_touched_before_the_first_append(tmp_path: Path) -> None:
    EventWriter(tmp_path / "rldk" / "events.jsonl").close()
    assert list(tmp_path.iterdir()) == []


def test_a_line_is_in_the_file_as_soon_as_append_returns(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path / "events.jsonl")
    writer.append(beat(1))
    assert steps(writer.path) == [1]
    writer.close()


def test_a_relaunch_appends_to_what_is_there(tmp_path: Path) -> None:
    for step in (1, 2):
        with EventWriter(tmp_path / "events.jsonl") as writer:
            writer.append(beat(step))
    assert steps(tmp_path / "events.jsonl") == [1, 2]


def test_a_line_that_a_killed_writer_left_torn_does_not_swallow_the_next(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_bytes(b'{"type":"heartbeat","time":1.0,"step":1}\n{"type":"heartb')
    with EventWriter(log) as writer:
        writer.append(beat(3))
        writer.append(beat(4))
    assert steps(log) == [1, None, 3, 4]


def test_a_write_that_the_disk_cut_short_is_told_and_healed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, write = tmp_path / "events.jsonl", os.write
    writer = EventWriter(log)
    writer.append(beat(1))
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:10]))
    assert not writer.append(beat(2))
    assert writer.lost == 1
    assert "10 of" in (writer.problem or "")
    monkeypatch.setattr(os, "write", write)
    assert writer.append(beat(3))
    assert steps(log) == [1, None, 3]
    writer.close()


def test_a_file_that_was_deleted_is_made_anew(tmp_path: Path) -> None:
    log = tmp_path / "rldk" / "events.jsonl"
    with EventWriter(log) as writer:
        writer.append(beat(1))
        log.unlink()
        log.parent.rmdir()
        assert writer.append(beat(2))
    assert steps(log) == [2]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_loses_the_event_and_nothing_else(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.symlink_to("/dev/full")
    writer = EventWriter(log)
    assert not writer.append(beat(1))
    assert not writer.append(beat(2))
    assert writer.lost == 2
    assert "No space left" in (writer.problem or "")
    log.unlink()
    assert writer.append(beat(3))
    assert steps(log) == [3]
    writer.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_loses_the_events(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    writer = EventWriter(tmp_path / "rldk" / "events.jsonl")
    assert not writer.append(beat(1))
    tmp_path.chmod(0o700)
    assert writer.append(beat(2))
    writer.close()


def test_a_file_where_the_folder_should_be_loses_the_events(tmp_path: Path) -> None:
    (tmp_path / "rldk").write_text("in the way")
    writer = EventWriter(tmp_path / "rldk" / "events.jsonl")
    assert not writer.append(beat(1))
    assert writer.lost == 1


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.ENOSPC, errno.EDQUOT])
def test_an_error_of_the_disk_is_survived_and_writing_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    write = os.write

    def fail(descriptor: int, line: bytes) -> int:
        raise OSError(code, os.strerror(code))

    with EventWriter(tmp_path / "events.jsonl") as writer:
        writer.append(beat(1))
        monkeypatch.setattr(os, "write", fail)
        assert not writer.append(beat(2))
        monkeypatch.setattr(os, "write", write)
        assert writer.append(beat(3))
    assert steps(writer.path) == [1, 3]


def _endless() -> dict[str, object]:
    config: dict[str, object] = {}
    config["itself"] = config
    return config


@pytest.mark.parametrize(
    "event",
    [
        lambda: RunStarted(time=1.0, schema_version=1, run_id="r", config={"lone surrogate": "\ud800"}),
        lambda: RunStarted(time=1.0, schema_version=1, run_id="r", config={"object": object()}),
        lambda: RunStarted(time=1.0, schema_version=1, run_id="r", config={"huge": 10**400}),
        lambda: RunStarted(time=1.0, schema_version=1, run_id="r", config=_endless()),
        lambda: Metrics(time=1.0, step=1, values={"word": "low"}),  # type: ignore[dict-item]
    ],
    ids=["surrogate", "object", "huge", "endless", "word"],
)
def test_a_value_that_json_cannot_carry_raises_nothing(tmp_path: Path, event: Callable[[], Event]) -> None:
    with EventWriter(tmp_path / "events.jsonl") as writer:
        writer.append(event())
        assert writer.append(beat(1))
    assert steps(writer.path)[-1] == 1


def test_writers_at_once_never_cut_into_each_other(tmp_path: Path) -> None:
    def write(writer: EventWriter) -> None:
        for step in range(300):
            writer.append(beat(step))

    writers = [EventWriter(tmp_path / "events.jsonl") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, writers))
    found = steps(tmp_path / "events.jsonl")
    assert None not in found
    assert len(found) == 1200
    for writer in writers:
        writer.close()
