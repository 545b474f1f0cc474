"""A long log's second opening: the same as its first, whatever happened to the log or to what was kept of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from rldk_tui.events import Completion, Completions, Event, Heartbeat, Metrics, RunStarted, encode_line
from rldk_tui.events.entries import one_by_one
from rldk_tui.ingest import Follower, parse_cache
from rldk_tui.readers import Read
from rldk_tui.readers.rldk_jsonl import JsonlDecoder

START = RunStarted(time=0.0, schema_version=1, run_id="run", host="h", pid=1)
TEXTS = Completions(time=1.0, step=1, rows=(Completion(prompt="p", completion="c\x1b[31m", rewards={"r": float("nan")}),))


def row(step: int) -> Metrics:
    return Metrics(time=float(step), step=step, values={"loss": step / 2, "kl": None if step % 7 == 0 else float("inf")})


def rows(first: int, last: int) -> bytes:
    return b"".join(encode_line(event) for step in range(first, last) for event in (row(step), Heartbeat(time=1.0, step=step)))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(parse_cache, "LEAST", 1000)
    run = tmp_path / "run"
    (run / "rldk").mkdir(parents=True)
    log_of(run).write_bytes(encode_line(START) + encode_line(TEXTS) + b"garbage\n" + rows(1, 600))
    return run


def log_of(run: Path) -> Path:
    return run / "rldk" / "events-rank00000.jsonl"


def told(run: Path) -> tuple[list[str], list[str]]:
    """All events of a fresh look, in an order of their own, and all problems."""
    batch = Follower(run).poll()
    events: list[Event] = [event for event, _ in one_by_one(batch.events)]
    return sorted(msgspec.json.encode(repr(event)).decode() for event in events), [str(problem) for problem in batch.problems]


def foreign(run: Path, kind: str, first: int, last: int) -> None:
    """Add rows to a log that is somebody else's: two trainings, whose steps begin again at 300, and what breaks the pattern."""
    names = ["step", "loss", "eval_loss"]
    with (run / f"metrics.{kind}").open("a") as log:
        if kind == "csv" and first == 0:
            log.write(",".join(names) + "\n")
        for number in range(first, last):
            cells = [str(number % 300 + 1), "nan" if number % 50 == 7 else str(1 / (number + 1)), "" if number % 10 else "2.5"]
            told = zip(names, cells, strict=True)
            row = {name: float(cell) for name, cell in told if cell}
            log.write((",".join(cells) if kind == "csv" else json.dumps(row)) + "\n")
            if number % 100 == 99:
                log.write("<<<<<<<\n")


def caches() -> list[Path]:
    return list(parse_cache.folder().glob("*.cache"))


def decoded_lines(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What readers are given from here on."""
    seen: list[bytes] = []
    feed = JsonlDecoder.feed

    def watched(self: JsonlDecoder, chunk: bytes) -> Iterator[Read]:
        seen.append(chunk)
        return feed(self, chunk)

    monkeypatch.setattr(JsonlDecoder, "feed", watched)
    return seen


def test_the_second_opening_tells_the_same_and_reads_nothing_again(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = told(run)
    assert len(caches()) == 1
    seen = decoded_lines(monkeypatch)
    assert told(run) == first
    assert seen == []


def test_a_log_that_grew_is_read_on_from_where_it_was_kept(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with log_of(run).open("ab") as log:
        log.write(rows(600, 601)[:-20])  # torn
    told(run)
    with log_of(run).open("ab") as log:
        log.write(rows(600, 601)[-20:] + b"more garbage\n" + rows(601, 900))
    seen = decoded_lines(monkeypatch)
    with_cache = told(run)
    assert sum(map(len, seen)) < log_of(run).stat().st_size / 2
    assert told(run) == with_cache
    for cache in caches():
        cache.unlink()
    assert with_cache == told(run)


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_log_of_somebody_elses_is_kept_too(run: Path, kind: str) -> None:
    log_of(run).unlink()
    foreign(run, kind, 0, 450)
    first = told(run)
    (cache,) = caches()
    assert told(run) == first
    foreign(run, kind, 450, 800)
    grown = told(run)
    assert cache.exists()
    cache.unlink()
    assert told(run) == grown


@pytest.mark.parametrize("mark", [None, [], "x", [1, [["a"]]]])
def test_a_mark_that_nobody_gave_is_as_good_as_none(run: Path, monkeypatch: pytest.MonkeyPatch, mark: object) -> None:
    log_of(run).unlink()
    foreign(run, "jsonl", 0, 450)
    first = told(run)
    monkeypatch.setattr(parse_cache, "recall", lambda *_: parse_cache.Parsed([], 100, mark))
    assert told(run) == first


@pytest.mark.parametrize("change", ["shorter", "another beginning", "another end", "another file"])
def test_a_log_that_is_another_now_is_read_anew(run: Path, change: str) -> None:
    told(run)
    log = log_of(run)
    content = log.read_bytes()
    changed = {
        "shorter": content[: len(content) // 2],
        "another beginning": content.replace(b'"run_id":"run"', b'"run_id":"nur"'),
        "another end": content[:-30].replace(b'"step":599', b'"step":598') + content[-30:],
        "another file": content,
    }[change]
    if change == "another file":
        (run / "beside").write_bytes(changed)
        os.replace(run / "beside", log)  # noqa: PTH105 - the very call that rotation makes
    else:
        log.write_bytes(changed)
    again = told(run)
    for cache in caches():
        cache.unlink()
    assert again == told(run)


@pytest.mark.parametrize("damage", ["empty", "cut", "garbage", "another version", "offsets"])
def test_a_damaged_cache_is_as_good_as_none(run: Path, damage: str) -> None:
    first = told(run)
    (cache,) = caches()
    content = cache.read_bytes()
    cache.write_bytes(
        {
            "empty": b"",
            "cut": content[: len(content) // 2],
            "garbage": os.urandom(5000),
            "another version": b"X" + content[1:],
            "offsets": content[:-8] + (len(content) * 2).to_bytes(8, "little"),
        }[damage]
    )
    assert told(run) == first
    assert told(run) == first


def test_a_home_that_cannot_be_written_costs_nothing_but_time(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run.parent / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(run.parent / "file"))
    assert told(run)[0]


def test_logs_of_long_texts_are_not_kept(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse_cache, "_MOST_IN_EVENTS", 100)
    told(run)
    assert list(parse_cache.folder().iterdir()) == []


def test_the_caches_used_longest_ago_make_room(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told(run)
    (old,) = caches()
    os.utime(old, (0, 0))
    monkeypatch.setattr(parse_cache, "MOST", old.stat().st_size + 1000)
    other = run.parent / "other"
    (other / "rldk").mkdir(parents=True)
    log_of(other).write_bytes(log_of(run).read_bytes())
    told(other)
    assert old not in caches()
    assert len(caches()) == 1
