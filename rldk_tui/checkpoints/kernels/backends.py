"""Which kernels run: compiled by numba where it is installed (extra `[fast]`), else NumPy's."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.kernels import numpy_kernel
from rldk_tui.checkpoints.kernels.part import Part
from rldk_tui.checkpoints.statistics import Change
from rldk_tui.checkpoints.tensors import DType
from rldk_tui.errors import UserError

VARIABLE = "RLDK_KERNELS"
"""Environment variable that chooses: `numba` or `numpy`."""
NAMES = ("numba", "numpy")


@dataclass(frozen=True, slots=True)
class Kernels:
    """One implementation of the passes; see `numpy_kernel` for what each does."""

    scan: Callable[[NDArray[np.generic], DType, int], Part]
    beyond: Callable[[NDArray[np.generic], DType, int, Part, float, float], int]
    compare: Callable[[NDArray[np.generic], DType, NDArray[np.generic], DType], Change]


PLAIN = Kernels(numpy_kernel.scan, numpy_kernel.beyond, numpy_kernel.compare)


def backend() -> str:
    """The kernels in use, "numba" or "numpy".

    Raises:
        UserError: if the environment asks for others, or for numba where it is not installed.
    """
    asked = os.environ.get(VARIABLE, "")
    installed = _numba_installed()
    if asked and asked not in NAMES:
        raise UserError(f"{VARIABLE} is {asked!r}.", f"Set it to one of: {', '.join(NAMES)}.")
    if asked == "numba" and not installed:
        raise UserError(f"{VARIABLE} asks for numba, which is not installed.", "Install it with: pip install 'rldk-tui[fast]'")
    return asked or ("numba" if installed else "numpy")


@cache
def _numba_installed() -> bool:
    return find_spec("numba") is not None


@cache
def _compiled() -> Kernels:
    # numba takes a third of a second to import: only where numbers are read
    from rldk_tui.checkpoints.kernels import numba_change, numba_scan

    return Kernels(numba_scan.scan, numba_scan.beyond, numba_change.compare)


def kernels_for(name: str | None, *dtypes: DType) -> Kernels:
    """The kernels for tensors of these types; `name` overrides `backend()`. Whole numbers are left to NumPy."""
    plain = (name or backend()) == "numpy"
    return PLAIN if plain or not all(dtype.floating for dtype in dtypes) else _compiled()
