"""Lines of an event log that have one kind, phase and set of keys, decoded strictly by a struct made for just these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from rldk_tui.events.entries import Entries, all_finite
from rldk_tui.events.schema import Measured, Metrics, Phase, Step, Time

REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises at a line of another shape."""


def numbers_under(keys: Sequence[str]) -> type[msgspec.Struct]:
    """A struct of a number under each of these keys and nothing else.

    Raises:
        ValueError: if msgspec takes no such key: one with a quote or a control character in it.
    """
    names = [f"v{index}" for index in range(len(keys))]
    return msgspec.defstruct(
        "Numbers",
        [(name, float) for name in names],
        rename=dict(zip(names, keys, strict=True)),
        forbid_unknown_fields=True,
        gc=False,
    )


@dataclass(frozen=True, slots=True)
class LaidOut:
    """Lines of one shape as arrays.

    Attributes:
        steps: shape (n,).
        times: shape (n,).
        by_key: shape (keys, n).
    """

    steps: NDArray[np.int64]
    times: NDArray[np.float64]
    by_key: NDArray[np.float64]


class Shape:
    """Lines of one kind, phase and set of keys."""

    def __init__(self, example: Metrics | Measured) -> None:
        keys = list(example.values)
        self.phase = example.phase if isinstance(example, Metrics) else None
        self.keys = keys
        head: list[Any] = [("time", Time), ("step", Step)]
        if self.phase is Phase.TRAIN:
            head.append(("phase", Phase, Phase.TRAIN))
        elif self.phase is not None:
            head.append(("phase", Phase))
        line = msgspec.defstruct(
            "Line",
            [*head, ("values", numbers_under(keys))],
            kw_only=True,
            forbid_unknown_fields=True,
            tag_field="type",
            tag="measured" if self.phase is None else "metrics",
            gc=False,
        )
        decoder = msgspec.json.Decoder(line)
        self.decode, self.decode_lines = decoder.decode, decoder.decode_lines
        self._head = b'{"type":"measured"' if self.phase is None else b'{"type":"metrics"'

    def lines_begun(self, chunk: bytes, begin: int, end: int) -> int:
        """How many lines of this kind there are from `begin` up to `end`, which is a line's; -1 if any begins otherwise.

        As many objects as that are one on each line: none goes over two, for its second line would begin otherwise.
        """
        lines = 0
        while begin < end:
            if not chunk.startswith(self._head, begin):
                return -1
            begin = chunk.find(b"\n", begin) + 1
            lines += 1
        return lines

    def laid_out(self, lines: list[Any]) -> LaidOut:
        """The numbers of lines."""
        width, height = len(self.keys), len(lines)
        numbers = np.fromiter(
            chain.from_iterable(map(astuple, [line.values for line in lines])), np.float64, count=width * height
        )
        return LaidOut(
            steps=np.fromiter([line.step for line in lines], np.int64, count=height),
            times=np.fromiter([line.time for line in lines], np.float64, count=height),
            by_key=numbers.reshape(height, width).T,
        )

    def entries(self, blocks: list[LaidOut]) -> Entries:
        """What was laid out, as columns."""
        by_key = np.concatenate([block.by_key for block in blocks], axis=1)
        return Entries(
            phase=self.phase,
            steps=np.concatenate([block.steps for block in blocks]),
            times=np.concatenate([block.times for block in blocks]),
            columns={key: all_finite(by_key[index]) for index, key in enumerate(self.keys)},
        )


def shape_of(event: Metrics | Measured) -> Shape | None:
    """The shape of lines like that of this event; None where there is none."""
    try:
        return Shape(event)
    except ValueError:
        return None
