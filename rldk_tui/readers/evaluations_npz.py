"""Stable-Baselines3's `evaluations.npz`: what its EvalCallback measured, as NumPy arrays.

`timesteps` (n,), `results` (n, episodes) rewards, `ep_lengths` (n, episodes). NumPy reads it with pickles refused.
"""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from rldk_tui.events import LAST_STEP, Metrics, Phase, RunDescribed
from rldk_tui.readers import DocumentFormat, Read

_LARGEST = 512 * 1024 * 1024
"""Bytes of the arrays, unpacked, that are read."""


def read(file: Path, _path: PurePath) -> Iterator[Read]:
    """Mean and spread of the episodes of every evaluation."""
    with zipfile.ZipFile(file) as archive:
        if sum(member.file_size for member in archive.infolist()) > _LARGEST:
            raise ValueError(f"its arrays have more than {_LARGEST} bytes")
    with warnings.catch_warnings(action="ignore"), np.load(file, allow_pickle=False) as arrays:  # NumPy warns of old headers
        steps = _numbers(np.atleast_1d(arrays["timesteps"]), None)[:, 0]
        rewards = _numbers(arrays["results"], steps.size)
        lengths = _numbers(arrays["ep_lengths"], steps.size) if "ep_lengths" in arrays else None
    with np.errstate(all="ignore"):  # a reward that is not finite makes a mean that is not
        columns = {"reward": rewards.mean(axis=1), "reward_std": rewards.std(axis=1)}
        if lengths is not None:
            columns["episode_length"] = lengths.mean(axis=1)
    yield RunDescribed(time=math.nan, trainer="Stable-Baselines3")
    for index, step in enumerate(steps):
        if 0 <= step <= LAST_STEP:
            values: dict[str, float | None] = {name: float(column[index]) for name, column in columns.items()}
            yield Metrics(time=math.nan, step=int(step), phase=Phase.EVAL, values=values)


def _numbers(array: NDArray[np.generic], rows: int | None) -> NDArray[np.float64]:
    """One row of numbers an evaluation.

    Raises:
        ValueError: if there are not that many rows, or no numbers.
    """
    if array.dtype.kind not in "biuf":
        raise ValueError("its arrays hold something else than numbers")
    numbers = array.astype(np.float64)
    if numbers.size == 0 or rows not in (None, numbers.shape[0]):
        raise ValueError("its arrays do not belong together")
    return numbers.reshape(numbers.shape[0], -1)


def claims(_path: PurePath, head: bytes) -> bool:
    """A zip archive that begins with the array of time steps, as the callback writes it."""
    return head.startswith(b"PK\x03\x04") and b"timesteps.npy" in head[:128]


FORMAT = DocumentFormat(name="SB3 evaluations", authority=5, claims=claims, read=read)
