"""The zip that torch writes, looked at before torch is: how large its pickle is and where its tensors' bytes lie.

`torch.save` stores members uncompressed: `<name>/data.pkl`, one `<name>/data/<key>` a storage and a few short ones. A member
that is compressed was not written by torch, and may unpack to any size.
"""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path

from rldk_tui.checkpoints.file_problem import COPY_AGAIN, FileProblem
from rldk_tui.checkpoints.stored_bytes import read_at

MAX_PICKLE = 64 << 20
"""Bytes of `data.pkl`: about 100 bytes a tensor, so more than half a million of them."""
MAX_DIRECTORY = 64 << 20
"""Bytes of the zip's directory, of which Python makes about ten times as much."""

_MAGIC = b"PK\x03\x04"
_LOCAL_HEADER = struct.Struct("<26xHH")
# APPNOTE.TXT 4.3.16, 4.3.15 and 4.3.14: the end record, and for large files what stands in front of it.
_END = struct.Struct("<4s8xI4xH")
_LOCATOR = struct.Struct("<4s4xQ4x")
_END64 = struct.Struct("<4s36xQ8x")
_COMMENT = 1 << 16
_ALIGNMENT = ".storage_alignment"
_LONGEST_NUMBER = 9
"""Digits of an alignment; torch's is 64."""
_IN_64 = 0xFFFFFFFF

CONVERT = "Convert it on a machine you trust it on: load the model and `save_pretrained(folder)`, which writes safetensors."


def storages(descriptor: int, source: str, size: int) -> dict[int, int] | FileProblem:
    """Offset -> bytes of every member of the zip, or why torch had better not see the file.

    Args:
        descriptor: The open file.
        source: What to call it.
        size: Its bytes.

    Raises:
        OSError: if it cannot be read.
    """
    if not size:
        return FileProblem("empty-file", source, "The file is empty.", COPY_AGAIN)
    if read_at(descriptor, 0, min(size, len(_MAGIC))) != _MAGIC:
        message = "It is not the zip that torch writes since 1.6; an older pickle may run code when read, so it was not."
        return FileProblem("refused-pickle", source, message, CONVERT)
    try:
        return _checked(descriptor, source, size)
    except (zipfile.BadZipFile, struct.error, ValueError, OverflowError, NotImplementedError, RecursionError):
        return FileProblem("truncated", source, "Its zip directory is broken: the file was probably cut short.", COPY_AGAIN)


def _checked(descriptor: int, source: str, size: int) -> dict[int, int] | FileProblem:
    if _directory_size(descriptor, size) > MAX_DIRECTORY:
        return FileProblem("refused-pickle", source, "Its zip directory is larger than any of torch's.", CONVERT)
    with os.fdopen(os.dup(descriptor), "rb") as file, zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    pickles = [member for member in members if Path(member.filename).name == "data.pkl"]
    if len(pickles) != 1 or any(member.compress_type != zipfile.ZIP_STORED for member in members):
        return FileProblem("refused-pickle", source, "It is a zip, but not one that torch has written.", CONVERT)
    if pickles[0].file_size > MAX_PICKLE:
        return FileProblem("refused-pickle", source, f"Its pickle is larger than {MAX_PICKLE >> 20} MiB.", CONVERT)
    if not all(_inside(member, size) for member in members):
        raise zipfile.BadZipFile("a member is not where the directory says")  # torch would allocate what it claims to have
    if not all(_aligned(descriptor, member) for member in members if Path(member.filename).name == _ALIGNMENT):
        raise zipfile.BadZipFile("tensors are aligned to nothing")  # torch divides by it, which ends the process
    places = {_data_offset(descriptor, member): member.file_size for member in members}
    if any(begin + length > size for begin, length in places.items()):
        raise zipfile.BadZipFile("a member reaches beyond the file")
    return places


def _aligned(descriptor: int, member: zipfile.ZipInfo) -> bool:
    """Whether the bytes that tensors are aligned to are a number above 0, as torch.save writes it."""
    text = read_at(descriptor, _data_offset(descriptor, member), min(member.file_size, _LONGEST_NUMBER + 1))
    return text.isdigit() and len(text) <= _LONGEST_NUMBER and int(text) > 0


def _inside(member: zipfile.ZipInfo, size: int) -> bool:
    end = member.header_offset + _LOCAL_HEADER.size + member.file_size
    return member.header_offset >= 0 and end <= size and member.file_size == member.compress_size  # none is compressed


def _data_offset(descriptor: int, member: zipfile.ZipInfo) -> int:
    names, extra = _LOCAL_HEADER.unpack(read_at(descriptor, member.header_offset, _LOCAL_HEADER.size))
    return int(member.header_offset + _LOCAL_HEADER.size + names + extra)


def _directory_size(descriptor: int, size: int) -> int:
    start = max(0, size - _COMMENT - _END.size)
    tail = read_at(descriptor, start, size - start)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0:
        raise zipfile.BadZipFile("no end record")
    _, length, _ = _END.unpack_from(tail, at)
    if length != _IN_64:
        return int(length)
    _, end = _LOCATOR.unpack_from(tail, at - _LOCATOR.size)
    return int(_END64.unpack(read_at(descriptor, min(end, size), _END64.size))[1])
