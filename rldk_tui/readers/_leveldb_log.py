"""W&B's framing of a log file: that of LevelDB, blocks of 32 KiB, with CRC-32 checksums and a header of its own.

The file begins with `:W&B`, the magic number 0xBEE1 and a version (wandb/sdk/internal/datastore.py); a record is cut into
chunks that do not cross blocks, each with a checksum over its kind and data, a length and a kind.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

HEADER = b":W&B\xe1\xbe"
_HEADER_SIZE = 7
_CHUNK = struct.Struct("<IHB")
_BLOCK = 32768
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_SEEDS = {kind: zlib.crc32(bytes([kind])) for kind in (_FULL, _FIRST, _MIDDLE, _LAST)}
LONGEST_RECORD = 64 * 1024 * 1024


class Damaged:
    """What stands in place of a record that cannot be read. `why` says so in words."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why


class Records:
    """Puts the records of a growing file together. After damage it goes on with the next block."""

    def __init__(self) -> None:
        self._rest = b""
        self._offset = 0
        self._parts: list[bytes] = []
        self._size = 0
        self._skip = _HEADER_SIZE

    def cut(self, chunk: bytes) -> Iterator[bytes | Damaged]:
        """The records that are complete now."""
        data = self._rest + chunk
        at = 0
        while True:
            if self._skip:
                skipped = min(self._skip, len(data) - at)
                self._skip -= skipped
                at += skipped
                self._offset += skipped
            left = _BLOCK - self._offset % _BLOCK
            if left < _CHUNK.size:
                self._skip = left
            elif len(data) - at >= _CHUNK.size:
                size, found = self._chunk(data, at, left)
                if size == 0:
                    break
                at += size
                self._offset += size
                if found is not None:
                    yield found
                continue
            if not self._skip or at >= len(data):
                break
        self._rest = data[at:]

    def pending(self) -> int:
        """Bytes of a last record that is not whole."""
        return len(self._rest) + sum(map(len, self._parts))

    def _chunk(self, data: bytes, at: int, left: int) -> tuple[int, bytes | Damaged | None]:
        """The chunk at `at`: how many bytes it takes (0 if it is not whole yet), and the record or damage it ends."""
        checksum, length, kind = _CHUNK.unpack_from(data, at)
        if kind not in _SEEDS or length > left - _CHUNK.size:
            return self._give_up(left, None if (checksum, length, kind) == (0, 0, 0) else "a record's frame is corrupt")
        begin, end = at + _CHUNK.size, at + _CHUNK.size + length
        if end > len(data):
            return 0, None
        payload = data[begin:end]
        size = end - at
        if zlib.crc32(payload, _SEEDS[kind]) != checksum:
            return size, self._damaged("a record's checksum is wrong")
        if kind == _FULL:
            self._parts, self._size = [], 0
            return size, payload
        if kind == _FIRST:
            self._parts, self._size = [payload], length
            return size, None
        if not self._parts:
            return size, None  # the rest of a record whose beginning was damaged
        self._parts.append(payload)
        self._size += length
        if self._size > LONGEST_RECORD:
            return size, self._damaged(f"a record of more than {LONGEST_RECORD} bytes was skipped")
        if kind == _MIDDLE:
            return size, None
        record = b"".join(self._parts)
        self._parts, self._size = [], 0
        return size, record

    def _give_up(self, left: int, why: str | None) -> tuple[int, Damaged | None]:
        """Nothing in the rest of this block can be trusted: go on with the next (zeros are room that was kept free)."""
        self._skip = left - 1
        return 1, self._damaged(why) if why else None

    def _damaged(self, why: str) -> Damaged:
        self._parts, self._size = [], 0
        return Damaged(why)
