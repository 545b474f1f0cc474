"""Generations read again from the file that recorded them: nobody holds all texts of a run in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath

from rldk_tui.events import Completions, Phase, ReadProblem
from rldk_tui.ingest.tail import Tail
from rldk_tui.readers import HEAD, Format, Read, StreamFormat, decode_safely, flush_safely, format_of, read_safely


def recorded_in(file: Path, path: PurePath, form: Format) -> Iterator[Completions]:
    """The generations in a file, in its order; what cannot be read of it is left out.

    Args:
        file: Where it lies.
        path: The same, relative to the run directory.
        form: The format that claims it.
    """
    try:
        yield from (read for read in _reads(file, path, form) if isinstance(read, Completions))
    except OSError:
        return  # gone, or not for this user to read: whoever follows the run says so


def _reads(file: Path, path: PurePath, form: Format) -> Iterator[Read]:
    if not isinstance(form, StreamFormat):
        yield from read_safely(form, file, path)
        return
    decoder = form.decoder(path)
    for chunk in Tail(file).read():
        yield from decode_safely(decoder, chunk, path)
    yield from flush_safely(decoder, path)


def rows_of(run: Path, source: str, step: int, phase: Phase) -> Completions | ReadProblem:
    """The generations of one step; a problem where its file is not there any more, or tells of something else now.

    Args:
        run: The run directory.
        source: The file that told of them, relative to it.
        step: Of which they are.
        phase: Whether training or an evaluation sampled them.
    """
    path = PurePath(source)
    try:
        with (run / path).open("rb") as opened:
            form = format_of(path, opened.read(HEAD))
    except OSError as failure:
        return ReadProblem(source=source, message=f"its generations cannot be read again: {failure.strerror}")
    found: Completions | None = None
    for event in recorded_in(run / path, path, form) if form is not None else ():
        if (event.step, event.phase) == (step, phase):
            found = event  # the last word counts
    return found or ReadProblem(source=source, message=f"its generations of step {step} are not there any more")
