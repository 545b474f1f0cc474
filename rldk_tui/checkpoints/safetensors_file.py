"""The header of a safetensors file, believed in nothing: what its tensors are and where their bytes lie.

The format (huggingface/safetensors, README "Format"): eight bytes with the header's length, little-endian; the header, one
JSON object of `name: {dtype, shape, data_offsets}` and optionally `__metadata__`; the numbers, without a gap, offsets
counted from the header's end. Its own limit of the header's length is 100 MB.

The `safetensors` package is not used: its NumPy side copies every tensor, cannot give bf16 and fp8 (NumPy has no such type),
does not tell where a tensor lies, and refuses the whole file for one bad entry. A truncated shard is what people want to
know about here, and what is left of it is still worth looking at.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Annotated, Any

import msgspec

from rldk_tui.checkpoints.file_problem import (
    COPY_AGAIN,
    NOT_WRITTEN_BY_A_LIBRARY,
    FileChangedError,
    FileProblem,
    of_system,
    of_tensors,
)
from rldk_tui.checkpoints.stored_bytes import MAX_EMPTY_DIMENSION, FileIdentity, Stretch, opened, read_at
from rldk_tui.checkpoints.tensors import DType, StoredTensor

MAX_HEADER = 100_000_000
"""Bytes of a header; the format's limit."""
MAX_TENSORS = 1_000_000
"""Tensors of one file, so that a header takes bounded memory (about 300 bytes each)."""

_MAX_ENTRY = 4096
_LENGTH_FIELD = 8
_LFS_POINTER = b"version https://git-lfs"

_Size = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _Entry(msgspec.Struct, frozen=True):
    dtype: Annotated[str, msgspec.Meta(max_length=32)]
    shape: Annotated[tuple[_Size, ...], msgspec.Meta(max_length=64)]
    data_offsets: tuple[_Size, _Size]


class _Key:
    """A key of the header that equals no other, so that one that comes twice is seen."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


_DTYPES = {dtype.value: dtype for dtype in DType}
_entry = msgspec.json.Decoder(_Entry)


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    entry: _Entry
    begin: int
    end: int


class _Refused(Exception):  # noqa: N818 - it is an answer, not an error
    """The file has no header that could be read."""

    def __init__(self, kind: str, message: str, advice: str = NOT_WRITTEN_BY_A_LIBRARY) -> None:
        super().__init__(message)
        self.kind, self.message, self.advice = kind, message, advice


def read_safetensors(path: Path, source: str) -> tuple[tuple[StoredTensor, ...], tuple[FileProblem, ...]]:
    """The tensors of a file in the order of their bytes, and what is wrong with it.

    Tensors that are wrong are left out; no two of those returned share a byte, so that going through them all reads the file
    once at most. Takes about a second for 1e5 tensors.

    Args:
        path: The file.
        source: What to call it.
    """
    try:
        with opened(path) as descriptor:
            identity = FileIdentity.of(descriptor)
            header = _read_header(descriptor, identity.size)
            if FileIdentity.of(descriptor) != identity:
                raise FileChangedError("the file changed while its header was read")
            entries = _split(header)
    except OSError as failure:
        return (), (of_system(source, failure),)
    except _Refused as refused:
        return (), (FileProblem(refused.kind, source, refused.message, refused.advice),)
    start = _LENGTH_FIELD + len(header)
    wrong: dict[str, list[str]] = defaultdict(list)
    places, unused = _placed(_parsed(entries, wrong), identity.size - start, wrong)
    tensors = tuple(_tensor(place, path, source, identity, start) for place in places)
    problems = [of_tensors(kind, source, names, *_TOLD[kind]) for kind, names in wrong.items()]
    if unused and not wrong:
        message = f"{unused} bytes of it belong to no tensor, which the format forbids."
        problems.append(FileProblem("unused-bytes", source, message, NOT_WRITTEN_BY_A_LIBRARY))
    return tensors, tuple(problems)


_TOLD = {
    "duplicate-tensor": ("stands in the header twice; the first of them counts", NOT_WRITTEN_BY_A_LIBRARY),
    "bad-entry": ("has an entry in the header that the format does not allow", NOT_WRITTEN_BY_A_LIBRARY),
    "unknown-dtype": ("is of a type that is not known here and was left out", "Save it as float32, bfloat16 or float16."),
    "shape-mismatch": ("has a shape that does not fit its bytes", NOT_WRITTEN_BY_A_LIBRARY),
    "truncated": ("lies beyond the end of the file: the file was cut short", COPY_AGAIN),
    "out-of-range": ("has offsets that lie outside the file", NOT_WRITTEN_BY_A_LIBRARY),
    "offsets-overlap": ("shares bytes with another tensor and was left out", NOT_WRITTEN_BY_A_LIBRARY),
}


def _read_header(descriptor: int, size: int) -> bytearray:
    if not size:
        raise _Refused("empty-file", "The file is empty.", COPY_AGAIN)
    start = read_at(descriptor, 0, min(size, len(_LFS_POINTER)))
    if start == _LFS_POINTER:
        raise _Refused("lfs-pointer", "It is a Git LFS pointer, not the weights it stands for.", "Run `git lfs pull`.")
    length = int.from_bytes(start[:_LENGTH_FIELD], "little")
    if size < _LENGTH_FIELD:
        raise _Refused("truncated", f"The file ends after {size} bytes, within its first field.", COPY_AGAIN)
    if length > MAX_HEADER:
        raise _Refused("header-too-long", "Its header claims to be longer than the 100 MB the format allows.")
    if length > size - _LENGTH_FIELD:
        message = f"Its header claims {length} bytes and the file has {size - _LENGTH_FIELD} after its first field."
        raise _Refused("header-too-long", message, COPY_AGAIN)
    return read_at(descriptor, _LENGTH_FIELD, length)


def _split(header: bytearray) -> dict[_Key, msgspec.Raw]:
    seen = 0

    def key(_: type, text: Any) -> _Key:
        nonlocal seen
        seen += 1
        if seen > MAX_TENSORS:
            raise _Refused("too-many-tensors", f"Its header names more than {MAX_TENSORS} tensors.")
        return _Key(text)

    try:
        return msgspec.json.decode(header, type=dict[_Key, msgspec.Raw], dec_hook=key)
    except RecursionError:
        raise _Refused("bad-header", "Its header is nested too deep.") from None
    except (msgspec.MsgspecError, ValueError):
        raise _Refused("bad-header", "Its header is not the JSON object the format asks for.") from None


def _parsed(entries: dict[_Key, msgspec.Raw], wrong: dict[str, list[str]]) -> list[_Place]:
    places, names = [], {"__metadata__"}
    for key, raw in entries.items():
        if key.text in names:
            if key.text != "__metadata__":
                wrong["duplicate-tensor"].append(key.text)
            continue
        names.add(key.text)
        try:
            entry = _bounded(raw)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            wrong["bad-entry"].append(key.text)
            continue
        places.append(_Place(key.text, entry, *entry.data_offsets))
    return places


def _bounded(raw: msgspec.Raw) -> _Entry:
    text = bytes(raw)
    if len(text) > _MAX_ENTRY or text.count(b":") > len(_Entry.__struct_fields__):
        raise ValueError("longer than any entry of 64 dimensions, or a field twice")
    return _entry.decode(text)


def _placed(places: list[_Place], size: int, wrong: dict[str, list[str]]) -> tuple[list[_Place], int]:
    """Those whose bytes are where they should be, in order, and how many of `size` bytes belong to none."""
    places.sort(key=lambda place: (place.begin, place.end))
    tiled = _tiled(places)
    good, reached, used = [], 0, 0
    for place in places:
        if place.end > size or place.begin > place.end:
            wrong["truncated" if tiled else "out-of-range"].append(place.name)
        elif place.begin < reached and place.begin < place.end:
            wrong["offsets-overlap"].append(place.name)
        else:
            reached = max(reached, place.end)
            used += place.end - place.begin
            if (kind := _misfit(place)) is None:
                good.append(place)
            else:
                wrong[kind].append(place.name)
    return good, size - used


def _tiled(places: list[_Place]) -> bool:
    """Whether the tensors lie one after the other from the first byte on, as every library writes them."""
    whole = all(before.end == after.begin for before, after in pairwise(places))
    return bool(places) and whole and places[0].begin == 0 and all(place.begin <= place.end for place in places)


def _misfit(place: _Place) -> str | None:
    dtype = _DTYPES.get(place.entry.dtype)
    if dtype is None:
        return "unknown-dtype"
    count = prod(place.entry.shape)
    too_wide = not count and max(place.entry.shape) > MAX_EMPTY_DIMENSION
    return "shape-mismatch" if too_wide or count * dtype.storage.itemsize != place.end - place.begin else None


def _tensor(place: _Place, path: Path, source: str, identity: FileIdentity, start: int) -> StoredTensor:
    dtype = _DTYPES[place.entry.dtype]
    count = prod(place.entry.shape)
    stretch = Stretch(path, identity, start + place.begin, count, dtype.storage)
    return StoredTensor(place.name, dtype, place.entry.shape, source, stretch)
