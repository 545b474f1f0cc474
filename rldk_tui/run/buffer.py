"""One column's array while it grows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldk_tui.run.long_arrays import LongArrays


class Buffer:
    """An array that grows at its end and is copied before a value that somebody may be looking at is changed.

    `array` itself may be written beyond everything that `view` showed, nowhere else.
    """

    def __init__(self, dtype: type, fill: float, capacity: int, arrays: LongArrays) -> None:
        self._dtype = dtype
        self._fill = fill
        self._arrays = arrays
        self.array: NDArray[Any] = arrays.empty(0, dtype)
        self._ready = self._shown = 0
        self.grow(capacity)

    def __getitem__(self, index: int) -> float:
        return float(self.array[index])

    def __setitem__(self, index: int, value: float) -> None:
        if index < self._shown:
            self._renew()
        self.array[index] = value

    def adopt(self, array: NDArray[Any]) -> None:
        """Take an array that others may see as the content."""
        self._arrays.watch(array)
        self.array = array
        self._ready = self._shown = array.size

    def change(self, indices: NDArray[np.intp], values: NDArray[Any]) -> None:
        """Set many values."""
        if not indices.size:
            return
        if int(indices.min()) < self._shown:
            self._renew()
        self.array[indices] = values

    def grow(self, capacity: int) -> None:
        """Make room for so many values; a copy has more, so that most calls need none, and what is not filled costs nothing."""
        if capacity > self.array.size:
            self._renew(capacity if self._ready == 0 else 2 * capacity)
        self.array[self._ready : capacity] = self._fill
        self._ready = capacity

    def insert(self, indices: NDArray[np.intp], length: int) -> None:
        """Open gaps before these places in the first `length` values."""
        before = self.array[:length]
        self._renew()
        self.array[: length + indices.size] = np.insert(before, indices, self._fill)

    def remove(self, index: int, length: int) -> None:
        """Close the gap that the value at `index` leaves; `length` values remain."""
        before = self.array
        self._renew()
        self.array[index:length] = before[index + 1 : length + 1]
        self.array[length] = self._fill

    def view(self, length: int) -> NDArray[Any]:
        """The first `length` values, read-only; they will not change."""
        self._shown = max(self._shown, length)
        shown = self.array[:length]
        shown.flags.writeable = False
        return shown

    def _renew(self, size: int | None = None) -> None:
        """The same values in an array that nobody has seen, of another size or the same."""
        renewed = self._arrays.empty(self.array.size if size is None else size, self._dtype)
        renewed[: self._ready] = self.array[: self._ready]
        self.array, self._shown = renewed, 0
