"""What is kept of earlier checkpoints of a run, in files of ours: `<RUN>/rldk/checkpoints/reference-<step>.npz`.

A reference holds the traces of all tensors of one checkpoint, at most some tens of megabytes. Kept are the first of the run,
which stands for its beginning, and the newest few: a run that is resumed from an earlier step finds the one before it. Files
are read without pickle, and what is not such a file is as if it were not there.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.numbers import number
from rldk_tui.checkpoints.trace import ALL_SAMPLES, TensorTrace

VERSION = 1
NEWEST_KEPT = 3
_NAME = re.compile(r"reference-(\d{1,15})\.npz")
_LARGEST_FILE = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reference:
    """An earlier checkpoint, as far as it is kept.

    Attributes:
        step: Its step.
        traces: Of its tensors, by name.
        saved: When its weights were written, Unix seconds; None if not known.
    """

    step: int
    traces: Mapping[str, TensorTrace]
    saved: float | None = None


class Memory(Protocol):
    """Where the references of one run are kept."""

    def first(self, before: int) -> Reference | None:
        """The run's first checkpoint, if it lies before this step."""
        ...

    def previous(self, before: int) -> Reference | None:
        """The checkpoint before this step."""
        ...

    def keep(self, reference: Reference) -> None:
        """Remember one."""
        ...


class RecentReferences:
    """The first reference and the newest, as long as this object lives."""

    def __init__(self) -> None:
        self._kept: dict[int, Reference] = {}

    def first(self, before: int) -> Reference | None:
        """The run's first checkpoint, if it lies before this step."""
        return self._kept.get(min((step for step in self._kept if step < before), default=-1))

    def previous(self, before: int) -> Reference | None:
        """The checkpoint before this step."""
        return self._kept.get(max((step for step in self._kept if step < before), default=-1))

    def keep(self, reference: Reference) -> None:
        """Remember one; of all others the first alone."""
        self._kept[reference.step] = reference
        self._kept = {step: self._kept[step] for step in {min(self._kept), reference.step}}


@dataclass(frozen=True, slots=True)
class References:
    """The references of one run, in files.

    Attributes:
        folder: Where they lie; it need not exist yet.
    """

    folder: Path

    @classmethod
    def of_run(cls, run: Path) -> References:
        """Those of the run in this directory."""
        return cls(run / "rldk" / "checkpoints")

    def steps(self) -> tuple[int, ...]:
        """The steps there is a file for, rising."""
        try:
            names = [entry.name for entry in os.scandir(self.folder)]
        except OSError:
            return ()
        return tuple(sorted(int(match[1]) for match in map(_NAME.fullmatch, names) if match))

    def first(self, before: int) -> Reference | None:
        """The run's first checkpoint, if it lies before this step."""
        return self._nearest(step for step in self.steps() if step < before)

    def previous(self, before: int) -> Reference | None:
        """The checkpoint before this step."""
        return self._nearest(step for step in reversed(self.steps()) if step < before)

    def _nearest(self, steps: Any) -> Reference | None:
        return next((found for step in steps if (found := read_reference(self._file(step))) is not None), None)

    def keep(self, reference: Reference) -> None:
        """Write one, whole or not at all, and delete those that are no longer needed.

        One of a later step whose weights are older is of a training that was given up: this one has come back to an earlier
        step. Newer ones stay: checkpoints may be recorded in any order.

        Raises:
            OSError: if it cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        write_reference(reference, self._file(reference.step))
        steps = [step for step in self.steps() if step <= reference.step or self._is_newer(step, reference)]
        for step in {*self.steps()}.difference(steps[:1], steps[-NEWEST_KEPT:]):
            with contextlib.suppress(OSError):
                self._file(step).unlink()

    def _is_newer(self, step: int, than: Reference) -> bool:
        found = read_reference(self._file(step))
        return found is not None and found.saved is not None and than.saved is not None and found.saved >= than.saved

    def copy_to(self, other: References) -> None:
        """Give another run's folder what lies in this one; what cannot be read is left out.

        Raises:
            OSError: if it cannot be written there.
        """
        for step in self.steps():
            reference = read_reference(self._file(step))
            if reference is not None:
                other.folder.mkdir(parents=True, exist_ok=True)
                write_reference(reference, other._file(step))

    def _file(self, step: int) -> Path:
        return self.folder / f"reference-{step}.npz"


def write_reference(reference: Reference, file: Path) -> None:
    """Write a reference beside its name and rename it.

    Raises:
        OSError: if that fails.
    """
    traces = reference.traces
    dead = [trace.dead for trace in traces.values() if trace.dead is not None]
    header = {
        "version": VERSION,
        "step": reference.step,
        "saved": reference.saved,
        "tensors": [
            [name, list(trace.shape), trace.digest, int(trace.samples.size), -1 if trace.dead is None else int(trace.dead.size)]
            for name, trace in traces.items()
        ],
    }
    figures = [[trace.square_sum, trace.largest, trace.largest_singular, trace.stable_rank] for trace in traces.values()]
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with partial.open("wb") as opened:
            np.savez(
                opened,
                header=np.frombuffer(json.dumps(header).encode(), np.uint8),
                figures=np.array(figures, np.float64).reshape(-1, 4),
                samples=np.concatenate([np.zeros(0, np.float32), *(trace.samples for trace in traces.values())]),
                dead=np.packbits(np.concatenate([np.zeros(0, np.bool_), *dead])),
            )
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def read_reference(file: Path) -> Reference | None:
    """The reference in a file; None if it is not there or not one that this version can read."""
    try:
        if not file.is_file() or file.stat().st_size > _LARGEST_FILE:
            return None
        with np.load(file, allow_pickle=False) as stored:
            if sum(info.file_size for info in stored.zip.infolist()) > _LARGEST_FILE:
                return None
            header, *arrays = (np.asarray(stored[name]) for name in ("header", "figures", "samples", "dead"))
        return _reference(json.loads(header.tobytes()), *arrays)
    except (*_DAMAGED, zipfile.BadZipFile, zlib.error):
        return None


_DAMAGED = (
    OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, EOFError, OverflowError, MemoryError, RuntimeError,
    SyntaxError, struct.error,
)  # fmt: skip
"""What NumPy, `zipfile` and `json` raise for files that are not what they say."""


def _reference(
    header: dict[str, Any], figures: NDArray[np.float64], samples: NDArray[np.float32], packed: NDArray[np.uint8]
) -> Reference:
    """Raises ValueError, KeyError, TypeError or IndexError where the parts do not fit."""
    if header["version"] != VERSION or samples.dtype != np.float32 or samples.size > 2 * ALL_SAMPLES:
        raise ValueError("another version")
    sizes = [int(rows) for *_, rows in header["tensors"] if rows >= 0]
    flags = np.unpackbits(packed, count=sum(sizes)).astype(np.bool_)
    traces: dict[str, TensorTrace] = {}
    at_sample = at_row = 0
    for (name, shape, digest, kept, rows), (square_sum, largest, singular, rank) in zip(
        header["tensors"], figures, strict=True
    ):
        if kept < 0 or at_sample + kept > samples.size or not math.isfinite(square_sum):
            raise ValueError("parts are missing")
        traces[str(name)] = TensorTrace(
            shape=tuple(int(length) for length in shape),
            square_sum=float(square_sum),
            digest=str(digest),
            samples=samples[at_sample : at_sample + kept],
            dead=None if rows < 0 else flags[at_row : at_row + rows],
            largest=float(largest),
            largest_singular=float(singular),
            stable_rank=float(rank),
        )
        at_sample += kept
        at_row += max(0, rows)
    return Reference(int(header["step"]), traces, number(header.get("saved")))
