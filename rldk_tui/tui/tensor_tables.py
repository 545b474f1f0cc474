"""What `rldk checkpoints --json` says of tensors, as a table, worst first."""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec

from rldk_tui.charts.format import count, number
from rldk_tui.tui.cells import Tone

_Number = float | str | None
"""Strict JSON has no NaN: they are texts."""


class _Tensor(msgspec.Struct, frozen=True):
    name: str
    role: str = ""
    layer: int | None = None
    problem: str | None = None
    rms: _Number = None
    nan: int = 0
    inf: int = 0
    dead_rows: int | None = None
    change: _Number = None
    shape: tuple[int, ...] = ()
    relative: _Number = None
    cosine: _Number = None
    sign_flips: int = 0
    count: int = 0
    effective_rank: _Number = None
    change_square_sum: _Number = None


class _Since(msgspec.Struct, frozen=True):
    steps: int | None = None


class _Total(msgspec.Struct, frozen=True):
    relative: _Number = None
    cosine: _Number = None
    sign_flips: _Number = None


class _Said(msgspec.Struct, frozen=True):
    tensors: tuple[_Tensor, ...]
    step: int | None = None
    since_previous: _Since | None = None
    steps: int | None = None
    total: _Total | None = None
    only_before: tuple[str, ...] = ()
    only_after: tuple[str, ...] = ()
    reshaped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TensorRow:
    """One tensor.

    Attributes:
        cells: Its numbers, one text a column of the table.
        tone: That of its line.
    """

    name: str
    role: str
    layer: int | None
    cells: tuple[str, ...]
    tone: Tone


@dataclass(frozen=True, slots=True)
class TensorTable:
    """Tensors with their numbers.

    Attributes:
        remarks: What is to be said above the table.
        columns: Titles of the numbers, the most telling first.
        rows: Worst first.
    """

    remarks: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[TensorRow, ...]


def analysis_table(said: bytes) -> TensorTable:
    """Of one checkpoint: what cannot be read or is not finite, then by dead rows, then by how far a tensor moved.

    Raises:
        msgspec.MsgspecError: if it is no such answer.
    """
    told = msgspec.json.decode(said, type=_Said)
    rows = sorted(told.tensors, key=_badness)
    steps = None if told.since_previous is None else told.since_previous.steps
    since = "No earlier checkpoint is kept to compare with." if steps is None else ""
    if steps is not None and told.step is not None:
        since = f"change: ‖ΔW‖/‖W‖ since the checkpoint of step {count(told.step - steps)}."
    return TensorTable(
        (f"{_tensors(len(rows))}, worst first. {since}".strip(),),
        ("NaN/Inf", "dead rows", "change", "rms"),
        tuple(_measured_row(tensor) for tensor in rows),
    )


def comparison_table(said: bytes) -> TensorTable:
    """Of two checkpoints: what changed most first.

    Raises:
        msgspec.MsgspecError: if it is no such answer.
    """
    told = msgspec.json.decode(said, type=_Said)
    total = told.total or _Total()
    steps = "" if told.steps is None else f" in {count(told.steps)} steps"
    remarks = [
        f"All weights changed by {_share(total.relative)}{steps}: cosine {_fine(total.cosine)}, "
        f"{_share(total.sign_flips)} of the numbers changed their sign."
        if told.tensors
        else "They have no tensor in common."
    ]
    for what, names in (
        ("Only in the first", told.only_before),
        ("Only in the second", told.only_after),
        ("Of another shape", told.reshaped),
    ):
        if names:
            some = ", ".join(name[:200] for name in names[:3])
            remarks.append(f"{what}: {count(len(names))} ({some}{' …' if len(names) > 3 else ''}).")
    rows = sorted(told.tensors, key=lambda tensor: -_moved(tensor))
    if rows:
        remarks.append(f"{_tensors(len(rows))}, the one that changed most first.")
    return TensorTable(
        tuple(remarks), ("change", "cosine", "sign flips", "rank"), tuple(_compared_row(tensor) for tensor in rows)
    )


def _tensors(many: int) -> str:
    return "1 tensor" if many == 1 else f"{count(many)} tensors"


def _badness(tensor: _Tensor) -> tuple[bool, int, float, float]:
    rows = max(1, tensor.shape[0] if tensor.shape else 1)
    change = _float(tensor.change)
    return (
        tensor.problem is None,
        -(tensor.nan + tensor.inf),
        -(tensor.dead_rows or 0) / rows,
        -change if math.isfinite(change) else 0.0,
    )


def _measured_row(tensor: _Tensor) -> TensorRow:
    broken = tensor.nan + tensor.inf
    dead = "–" if tensor.dead_rows is None else count(tensor.dead_rows)
    cells = (count(broken), dead, _share(tensor.change), _plain(tensor.rms))
    tone = Tone.HIGH if broken else Tone.WARNING if tensor.dead_rows else Tone.PLAIN
    if tensor.problem is not None:
        return _unread(tensor, len(cells))
    return TensorRow(tensor.name, tensor.role, tensor.layer, cells, tone)


def _compared_row(tensor: _Tensor) -> TensorRow:
    if tensor.problem is not None:
        return _unread(tensor, 4)
    moved = _moved(tensor)
    cells = (
        "from zero" if moved == math.inf else _share(tensor.relative),
        _fine(tensor.cosine),
        _share(tensor.sign_flips / tensor.count if tensor.count else None),
        _plain(tensor.effective_rank),
    )
    return TensorRow(tensor.name, tensor.role, tensor.layer, cells, Tone.DIM if moved == 0 else Tone.PLAIN)


def _unread(tensor: _Tensor, cells: int) -> TensorRow:
    return TensorRow(tensor.name, tensor.role, tensor.layer, ("unread", *["–"] * (cells - 1)), Tone.HIGH)


def _moved(tensor: _Tensor) -> float:
    """One that was zero and is not any more changed most of all, but for those that could not be read."""
    if tensor.problem is not None:
        return math.inf
    relative = _float(tensor.relative)
    return relative if math.isfinite(relative) else math.inf if _float(tensor.change_square_sum) > 0 else 0.0


def _float(value: _Number) -> float:
    try:
        return math.nan if value is None else float(value)
    except ValueError:
        return math.nan


def _share(value: _Number) -> str:
    share = _float(value)
    return f"{number(100.0 * share)} %" if math.isfinite(share) else "–"


def _fine(value: _Number) -> str:
    return f"{_float(value):.6f}" if math.isfinite(_float(value)) else "–"


def _plain(value: _Number) -> str:
    return "–" if value is None else number(_float(value))
