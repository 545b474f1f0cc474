"""Every reader is chosen by its own sample and by no other, never raises on garbage, and reads the same in any pieces."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path, PurePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rldk_tui.events import Completions, Metrics, ReadProblem, RunStarted
from rldk_tui.events.entries import Entries
from rldk_tui.readers import (
    HEAD,
    DocumentFormat,
    Format,
    Read,
    StreamFormat,
    decode_safely,
    flush_safely,
    format_of,
    load_formats,
    read_safely,
)
from tests.conftest import SAMPLE_RUNS

FEW = settings(max_examples=max(15, getattr(settings.default, "max_examples", 100) // 20))
"""Enough for every run of the tests; a campaign (`make fuzz`) tries a thousand."""
FORMATS = load_formats()
FIXTURES = Path(__file__).parents[1] / "readers" / "fixtures"
SAMPLES = [
    (run, file.relative_to(run))
    for run in sorted([*SAMPLE_RUNS.iterdir(), *FIXTURES.iterdir()])
    if run.is_dir()
    for file in sorted(run.rglob("*"))
    if file.is_file()
]


def head_of(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(HEAD)


def samples_of(form: Format) -> list[tuple[Path, Path]]:
    return [(run, place) for run, place in SAMPLES if form.claims(PurePath(place), head_of(run / place))]


STREAMS = [
    pytest.param(form, run / place, id=f"{form.name}: {place.name}")
    for form in FORMATS
    if isinstance(form, StreamFormat)
    for run, place in samples_of(form)[:2]
]
DOCUMENTS = [
    pytest.param(form, run / place, id=f"{form.name}: {place.name}")
    for form in FORMATS
    if isinstance(form, DocumentFormat)
    for run, place in samples_of(form)[:1]
]


def read_in_pieces(form: StreamFormat, file: Path, pieces: list[bytes]) -> list[Read]:
    """Everything that was told; flushed after each piece, as a poll does."""
    decoder = form.decoder(PurePath(file.name))
    reads: list[Read] = []
    for piece in pieces:
        reads += decode_safely(decoder, piece, PurePath(file.name))
        reads += flush_safely(decoder, PurePath(file.name))
    return reads


def told(reads: list[Read]) -> dict[str, str]:
    """Every cell and every other fact, by what it is about: the last word counts."""
    facts: dict[str, str] = {}
    training = 0
    for read in reads:
        training += isinstance(read, RunStarted)
        for event in read.events() if isinstance(read, Entries) else [read]:
            if isinstance(event, Metrics):
                row = f"{training} {event.step} {event.counted} {event.phase}"
                facts.update({f"{row} {name}": repr(value) for name, value in event.values.items()})
            elif isinstance(event, Completions):
                facts[f"{event.step} {event.phase} generations"] = repr(event.rows)
            elif not isinstance(event, ReadProblem):
                facts[repr(event)] = ""
    return facts


def cells_of(reads: list[Read]) -> set[str]:
    """Every word on every cell."""
    rows = [event for read in reads for event in (read.events() if isinstance(read, Entries) else [read])]
    return {
        f"{row.step} {row.phase} {name} {value}"
        for row in rows
        if isinstance(row, Metrics)
        for name, value in row.values.items()
    }


@pytest.mark.parametrize(("run", "place"), SAMPLES, ids=lambda value: str(value).rsplit("/", 1)[-1])
def test_at_most_one_reader_claims_a_file(run: Path, place: Path) -> None:
    head = head_of(run / place)
    assert sum(form.claims(PurePath(place), head) for form in FORMATS) <= 1


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_every_reader_is_chosen_by_a_real_file(form: Format) -> None:
    assert samples_of(form)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
@given(st.binary(max_size=400))
def test_no_reader_raises_on_garbage(form: Format, tmp_path_factory: pytest.TempPathFactory, garbage: bytes) -> None:
    path = PurePath("garbage")
    form.claims(path, garbage)
    if isinstance(form, StreamFormat):
        decode_safely(form.decoder(path), garbage, path)
    else:
        assert isinstance(form, DocumentFormat)
        file = tmp_path_factory.getbasetemp() / "garbage"
        file.write_bytes(garbage)
        read_safely(form, file, path)


@pytest.mark.parametrize(("form", "file"), STREAMS)
@FEW
@given(data=st.data())
def test_any_chopping_of_the_bytes_tells_the_same(form: StreamFormat, file: Path, data: st.DataObject) -> None:
    log = file.read_bytes()[:60_000]
    cuts = data.draw(st.lists(st.integers(0, len(log)), max_size=12))
    pieces = [log[low:high] for low, high in pairwise([0, *sorted(cuts), len(log)])]
    assert told(read_in_pieces(form, file, pieces)) == told(read_in_pieces(form, file, [log]))


@pytest.mark.parametrize(("form", "file"), STREAMS)
@FEW
@given(data=st.data())
def test_a_cut_off_log_tells_nothing_that_the_whole_one_does_not(form: StreamFormat, file: Path, data: st.DataObject) -> None:
    log = file.read_bytes()[:60_000]
    end = data.draw(st.integers(0, len(log)))
    cut, whole = read_in_pieces(form, file, [log[:end]]), read_in_pieces(form, file, [log])
    assert cells_of(cut) <= cells_of(whole)


@pytest.mark.parametrize(("form", "file"), STREAMS)
@FEW
@given(data=st.data())
def test_bytes_that_flip_are_told_and_raise_nothing(form: StreamFormat, file: Path, data: st.DataObject) -> None:
    log = bytearray(file.read_bytes()[:30_000])
    for at in data.draw(st.lists(st.integers(0, len(log) - 1), min_size=1, max_size=6)):
        log[at] ^= data.draw(st.integers(1, 255))
    decoder = form.decoder(PurePath(file.name))
    for read in decode_safely(decoder, bytes(log), PurePath(file.name)):
        assert not (isinstance(read, ReadProblem) and "could not be read" in read.message), read


@pytest.mark.parametrize(("form", "file"), STREAMS)
def test_line_ends_of_windows_and_a_byte_order_mark_change_nothing(form: StreamFormat, file: Path) -> None:
    log = file.read_bytes()[:60_000]
    if b"\0" in log or b"\r" in log.replace(b"\r\n", b""):
        pytest.skip("no lines, or a console's bars")
    unix = log.replace(b"\r\n", b"\n")
    expected = told(read_in_pieces(form, file, [unix]))
    assert told(read_in_pieces(form, file, [unix.replace(b"\n", b"\r\n")])) == expected
    if form.name != "console":
        marked = b"\xef\xbb\xbf" + unix
        assert format_of(PurePath(file.name), marked[:HEAD]) is form
        assert told(read_in_pieces(form, file, [marked])) == expected


@pytest.mark.parametrize(("form", "file"), DOCUMENTS)
@FEW
@given(data=st.data())
def test_a_document_cut_off_anywhere_is_at_most_a_problem(
    form: DocumentFormat, file: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = file.read_bytes()
    part = tmp_path_factory.getbasetemp() / file.name
    part.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    path = PurePath(file.name)
    assert cells_of(read_safely(form, part, path)) <= cells_of(read_safely(form, file, path))


@pytest.mark.parametrize(("form", "file"), DOCUMENTS)
@FEW
@given(data=st.data())
def test_a_document_whose_bytes_flip_raises_nothing(
    form: DocumentFormat, file: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    damaged = bytearray(file.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=6)):
        damaged[at] ^= data.draw(st.integers(1, 255))
    copy = tmp_path_factory.getbasetemp() / file.name
    copy.write_bytes(damaged)
    for read in read_safely(form, copy, PurePath(file.name)):
        assert not (isinstance(read, ReadProblem) and len(read.message) > 400)


def test_a_panic_of_a_library_is_a_problem_and_the_wish_to_end_is_not(tmp_path: Path) -> None:
    panic = type("PanicException", (BaseException,), {})

    def reading(failure: type[BaseException]) -> DocumentFormat:
        def read(_file: Path, _path: PurePath) -> list[Read]:
            raise failure("called `Result::unwrap()` on an `Err` value")

        return DocumentFormat(name="x", authority=1, claims=lambda _path, _head: True, read=read)

    (problem,) = read_safely(reading(panic), tmp_path, PurePath("x"))
    assert isinstance(problem, ReadProblem)
    with pytest.raises(KeyboardInterrupt):
        read_safely(reading(KeyboardInterrupt), tmp_path, PurePath("x"))
