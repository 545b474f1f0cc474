"""Lines of a growing file, whatever pieces its bytes come in."""

from __future__ import annotations

from collections.abc import Iterator

LONGEST_LINE = 32 * 1024 * 1024
"""Bytes after which a line is given up: a real log line of the longest kind (RLlib's result with histograms) has 1 % of it."""
BOM = b"\xef\xbb\xbf"


class Lines:
    """Splits at newlines and keeps what is incomplete.

    Attributes:
        number: Of the line that was yielded last, from 1.
        rest: The beginning of a line whose end is not there yet.
    """

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self.number = 0
        self.rest = b""
        self._longest = longest
        self._skipped = 0

    def cut(self, chunk: bytes) -> Iterator[bytes | None]:
        """The lines that are complete now, without their ends and a byte order mark; None for one that was too long."""
        *lines, rest = (self.rest + chunk).split(b"\n")
        self.rest = rest
        for line in lines:
            self.number += 1
            if self._skipped or len(line) > self._longest:
                self._skipped = 0
                yield None
            else:
                yield line.removesuffix(b"\r") if self.number > 1 else line.removesuffix(b"\r").removeprefix(BOM)
        if len(self.rest) > self._longest:
            self._skipped += len(self.rest)
            self.rest = b""

    def cut_all(self, chunk: bytes) -> list[bytes | None]:
        """The same as a list, quickly where nothing has to be taken off a line."""
        if self._skipped or not self.number or b"\r" in chunk or len(self.rest) + len(chunk) > self._longest:
            return list(self.cut(chunk))
        lines: list[bytes | None] = [*(self.rest + chunk).split(b"\n")]
        self.rest = lines.pop() or b""
        self.number += len(lines)
        return lines

    def resumable(self) -> bool:
        """Whether others can go on at the first byte that is pending."""
        return not self._skipped and self.rest == self.rest.strip()

    def pending(self) -> int:
        """Bytes of a last line without its end."""
        return len(self.rest.strip()) + self._skipped
