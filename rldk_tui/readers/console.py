r"""What a training printed, captured to a file: `train.log`, `nohup.out`, `slurm-123.out`, W&B's `output.log`.

The last resort: its numbers are rounded and its rows tell no step. Rows are the dicts that the Hugging Face Trainer prints
(numbers as text in transformers 5), DeepSpeed-Chat's and DeepSpeed's lines, verl's and OpenRLHF's, the end of an epoch in
Keras; everything between them is passed over, colours and `\r` bars included. A bar that begins anew, an epoch that goes back
and a row after the closing summary begin another training.

A row's step, where its line tells none: rows that come one by one stand where the training's progress bar stands. Rows that
come in bursts (stdout was buffered, the bar was not) are numbered; a row is `logging_steps` steps, which the log tells or the
bar does: after a first burst of n rows it stands at about n times that. That it was worked out is told as a problem.

No library reads these. A console that prints nothing but text is still followed: rows may come.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import PurePath

from rldk_tui.events import Event, ReadProblem, RunDescribed
from rldk_tui.readers import Read, StreamFormat
from rldk_tui.readers._console_lines import Bar, Printed, bar_in, epoch_begun, logging_steps_in, plain, rows_in
from rldk_tui.readers._lines import Lines
from rldk_tui.readers._numbers import number
from rldk_tui.readers._rows import Rows

_LONGEST_LINE = 1024 * 1024
_NAMED = re.compile(r"(?:\.log|\.out|\.err)(?:\.\d+)?$|^(?:nohup|slurm|stdout|stderr|console)\b", re.IGNORECASE)
_TEXT = re.compile(rb"[^\x00-\x08\x0e-\x1a\x1c-\x1f]*")
_SUMMARY = "train_runtime"
_DOUBT = "its rows tell no step: where they stand is worked out from their order and the progress bar"
STEPS_A_ROW = "steps_a_row"
"""The fact about a run that this reader tells: how many steps lie between two rows it numbered."""


class ConsoleDecoder:
    """Takes every line, and every state of a bar, in order."""

    def __init__(self, path: PurePath) -> None:
        self._source = str(path)
        self._lines = Lines(_LONGEST_LINE)
        self._rows = Rows(self._source)
        self._begin()
        self._doubted = False

    def _begin(self) -> None:
        """Another training begins."""
        self._bar: Bar | None = None
        self._by_bar: bool | None = None
        self._stride: int | None = None
        self._count = 0
        self._step = 0
        self._epoch = -math.inf
        self._over = False

    def feed(self, chunk: bytes) -> Iterator[Read]:
        """Yield the rows of every line, or state of a bar, that is complete now."""
        for line in self._lines.cut(chunk.replace(b"\r", b"\n")):
            if line is None:
                yield ReadProblem(source=self._source, message=f"a line of more than {_LONGEST_LINE} bytes was skipped")
            elif line:
                yield from self._take(plain(line))
        too_many = self._rows.too_many()
        if too_many is not None:
            yield too_many

    def flush(self) -> Iterator[Event]:
        """A last row that is whole but for its newline."""
        if not self._lines.rest.rstrip().endswith(b"}"):
            return
        text, self._lines.rest = plain(self._lines.rest), b""
        for read in self._take(text):
            if not isinstance(read, ReadProblem):
                yield read  # type: ignore[misc]

    def pending(self) -> int:
        """Bytes of a row that was begun: anything else on a last line is a bar or a prompt."""
        return len(self._lines.rest) if b"{'" in self._lines.rest else 0

    def _take(self, text: str) -> Iterator[Read]:
        bar = bar_in(text)
        if bar is not None and not bar.heading:
            yield from self._moved(bar)
        epoch = epoch_begun(text)
        if epoch is not None:
            if epoch[0] <= self._step:
                self._begin()
                yield from self._rows.begin_anew()
            self._step = epoch[0]
        stride = logging_steps_in(text)
        if stride is not None and not self._count:
            self._stride = stride
        for row in rows_in(text):
            yield from self._row(row)

    def _moved(self, bar: Bar) -> Iterator[Read]:
        """The training's bar, which is the first without a heading; one with another total is an evaluation's."""
        before = self._bar
        if before is not None and bar.total != before.total and bar.at > 0:
            return
        if before is not None and bar.at < before.at and self._count:
            if bar.total != before.total:
                return
            self._begin()
            yield from self._rows.begin_anew()
        if before is None or bar.total == before.total:
            if before is not None and bar.at > before.at and self._by_bar is None and self._count:
                self._by_bar = self._count == 1 and before.at > 0
            self._bar = bar
        if before is None:
            yield RunDescribed(time=math.nan, max_steps=bar.total)

    def _row(self, row: Printed) -> Iterator[Read]:
        if row.step is not None:
            yield from self._told(row, row.step)
            return
        if row.same:
            yield from self._rows.take(row.cells, self._lines.number, self._step)
            return
        training = _SUMMARY not in row.cells and not all(name.startswith("eval") or name == "epoch" for name in row.cells)
        if training:
            if self._goes_back(row):
                self._begin()
                yield from self._rows.begin_anew()
            self._count += 1
            yield from self._place()
        self._over = _SUMMARY in row.cells
        yield from self._rows.take(row.cells, self._lines.number, self._step, counted=not self._by_bar and not self._stride)

    def _place(self) -> Iterator[Read]:
        """Find the step of the next row of training."""
        if not self._doubted:
            self._doubted = True
            yield ReadProblem(source=self._source, message=_DOUBT, line=self._lines.number, steps_untold=True)
        bar = self._bar
        if self._by_bar and bar is not None:
            self._step = bar.at if bar.at > self._step else self._step + 1
            return
        self._step = self._count * (self._stride or 1)
        if self._by_bar is None and self._stride is None and bar is not None and bar.at >= self._count:
            yield RunDescribed(time=math.nan, config={STEPS_A_ROW: bar.at // self._count})

    def _told(self, row: Printed, step: int) -> Iterator[Read]:
        """A row whose line tells its step; a bar that counts each epoch anew goes on from the last."""
        self._step = step
        yield from self._rows.take(row.cells, self._lines.number, step)

    def _goes_back(self, row: Printed) -> bool:
        epoch = number(row.cells.get("epoch"))
        before, self._epoch = self._epoch, self._epoch if epoch is None else epoch
        return self._count > 0 and (self._over or self._epoch < before)


def claims(path: PurePath, head: bytes) -> bool:
    """Text in which a row of metrics stands, or text that bears a console's name."""
    if not head or _TEXT.fullmatch(head) is None or (head.lstrip()[:1] in (b"[", b"{") and not _NAMED.search(path.name)):
        return False
    lines = [plain(line) for line in head.replace(b"\r", b"\n").split(b"\n")]
    if _NAMED.search(path.name):
        return not _is_json(head)
    return any(bar_in(line) is not None and bar_in(line).heading == "" for line in lines) or any(  # type: ignore[union-attr]
        True for line in lines for _ in rows_in(line)
    )


def _is_json(head: bytes) -> bool:
    return head.lstrip().startswith((b'{"', b"[{", b"[\n", b"{\n"))


FORMAT = StreamFormat(name="console", authority=1, claims=claims, decoder=ConsoleDecoder)
