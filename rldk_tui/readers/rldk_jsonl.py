"""Our own event log: one strict JSON object a line, appended whole.

Lines that are not quite right are rescued where their meaning is plain: a bare NaN token (some other writer's) is read as
NaN and said so, an unknown event type is said so and skipped. A last line without its newline is taken when it is a whole
object, because a JSON object tells its own end; otherwise it waits for the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePath

import msgspec

from rldk_tui.events import Event, Json, Measured, Metrics, ReadProblem, decode_line
from rldk_tui.events.bulk import IN_ANY_ORDER, Gatherer
from rldk_tui.events.wire import event_from
from rldk_tui.readers import Read, StreamFormat

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes after which a line without an end is given up: no event of ours comes near."""
MANY_LINES = 256
"""Lines that come at once from which on their numbers are gathered in columns."""
BLOCK = 256 * 1024
"""Bytes of lines that are decoded before their numbers are laid out: few enough to be in a processor's cache still."""
_BOM = b"\xef\xbb\xbf"
_FIRST_LINE = re.compile(
    rb'\{\s*"type":\s*"(?:run_started|run_described|metrics|heartbeat|system|completions|measured|checkpoint|extraction_error|finding'
    rb'|run_ended)",\s*"time":'
)


class JsonlDecoder:
    """Splits at newlines, keeps what is incomplete."""

    def __init__(self, path: PurePath) -> None:
        self._source = str(path)
        self._rest = b""
        self._line = 0
        self._skipping = False
        self._gatherer = Gatherer()

    def feed(self, chunk: bytes) -> Iterator[Read]:
        """Yield the event (or the problem) of every line that is complete now; of very many, their numbers as columns."""
        end = chunk.rfind(b"\n") + 1
        if end > BLOCK or chunk.count(b"\n") >= MANY_LINES:
            begin = chunk.find(b"\n") + 1
            opening, self._rest = self._rest + chunk[: begin - 1], chunk[end:]
            yield from self._in_bulk(opening, chunk, begin, end)
        else:
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            yield from self._one_by_one(lines)
        if len(self._rest) > LONGEST_LINE:
            if not self._skipping:
                yield self._problem(f"a line of more than {LONGEST_LINE} bytes was skipped")
            self._rest, self._skipping = b"", True

    def _one_by_one(self, lines: list[bytes]) -> Iterator[Read]:
        for line in lines:
            self._line += 1
            if self._skipping:
                self._skipping = False
            elif line.strip():
                yield from self._read(line)

    def _in_bulk(self, opening: bytes, chunk: bytes, begin: int, whole: int) -> Iterator[Read]:
        """The same events, numbers gathered between what begins, ends or describes a training.

        Args:
            opening: The first line, of which the chunk has the end.
            chunk: Has the others.
            begin: Where these begin.
            whole: Up to where all are whole.
        """
        yield from self._block([opening])
        while begin < whole:
            end = chunk.find(b"\n", begin + BLOCK, whole) + 1 or whole
            taken = 0 if self._skipping else self._gatherer.take_block(chunk, begin, end)
            self._line += taken
            if not taken:
                yield from self._block(chunk[begin : end - 1].split(b"\n"))
            begin = end
        yield from self._gatherer.given()

    def _block(self, lines: list[bytes]) -> Iterator[Read]:
        yield from self._gathered(lines)
        self._gatherer.end_block(len(lines))

    def _gathered(self, lines: list[bytes]) -> Iterator[Read]:
        gatherer = self._gatherer
        at = 0
        while at < len(lines):
            taken = 0 if self._skipping else gatherer.take_run(lines, at) or gatherer.take(lines[at])
            self._line += taken
            at += taken or 1
            for read in () if taken else self._one_by_one([lines[at - 1]]):
                if isinstance(read, Metrics | Measured):
                    gatherer.add(read)
                    continue
                if not isinstance(read, IN_ANY_ORDER):
                    yield from gatherer.given()
                yield read

    def pending(self) -> int:
        """Bytes of a last line that is not whole."""
        return len(self._rest)

    def mark(self) -> int | None:
        """The number of the line that was read last."""
        return None if self._skipping else self._line

    def go_on(self, mark: Json) -> None:
        """Be behind this line."""
        self._line = msgspec.convert(mark, int)

    def flush(self) -> Iterator[Event]:
        """The last line if it is whole but for its newline."""
        if not self._rest.rstrip().endswith(b"}"):
            return
        try:
            event = decode_line(self._rest.removeprefix(_BOM))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return
        self._rest = b""
        yield event

    def _read(self, line: bytes) -> Iterator[Read]:
        line = line.removeprefix(_BOM)
        try:
            yield decode_line(line)
        except msgspec.ValidationError as failure:
            yield self._problem(f"not an event this version knows: {failure}")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield from self._rescue(line)

    def _rescue(self, line: bytes) -> Iterator[Read]:
        """A line that strict JSON refuses."""
        try:
            event = event_from(json.loads(line))
        except (ValueError, RecursionError, msgspec.MsgspecError):
            yield self._problem("a line is not JSON")
        else:
            yield self._problem("bare NaN or Infinity tokens, which JSON does not know, were read as numbers")
            yield event

    def _problem(self, message: str) -> ReadProblem:
        return ReadProblem(source=self._source, message=message, line=self._line)


def claims(path: PurePath, head: bytes) -> bool:
    """A file of JSON lines whose first line is an event of ours; after a rotation it need not be the start of a run."""
    first = head.removeprefix(_BOM).lstrip().split(b"\n", 1)[0]
    return ".jsonl" in path.name and _FIRST_LINE.match(first) is not None


FORMAT = StreamFormat(name="RLDK event log", authority=12, claims=claims, decoder=JsonlDecoder, generations=True)
