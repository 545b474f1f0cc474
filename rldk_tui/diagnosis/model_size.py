"""How many parameters a model has: the larger it is, the smaller the steps it bears.

Told by a measurement inside the run, else by the model's name; most logs tell neither.
"""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.beside import last_known
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import Floats

TOTAL = "hook/parameters_total"
TRAINABLE = "hook/parameters_trainable"
REFERENCE = 1e9
"""Parameters of the models the catalogue's bounds of the learning rate were found with."""
MOST_TRAINED = 0.5
"""Share of the parameters from which on it is the model that is trained, and not an adapter."""
_NAMED = re.compile(r"(?<![a-z\d.])(?:(\d+)x)?(\d+(?:\.\d+)?)([bm])(?![a-z\d])")
_MODEL_SETTINGS = ("model_name_or_path", "model", "_name_or_path")
_UNIT = {"b": 1e9, "m": 1e6}


def named_size(info: RunInfo) -> float:
    """The parameters as the model's name tells them (`Qwen2.5-0.5B`, `pythia-70m`, `8x7B`); NaN if it does not."""
    names = (info.model, *(info.config.get(setting) for setting in _MODEL_SETTINGS))
    for name in names:
        found = _NAMED.search(name.lower()) if isinstance(name, str) else None
        if found:
            experts, number, unit = found.groups()
            return int(experts or 1) * float(number) * _UNIT[unit]
    return math.nan


def sizes(rows: Rows, at: NDArray[np.intp], info: RunInfo, before: float) -> tuple[Floats, float]:
    """The parameters at each row, NaN where nothing tells; and what was last measured."""
    measured, latest = last_known(rows, at, TOTAL, before)
    return np.where(measured > 0, measured, named_size(info)), latest


def bears(size: Floats) -> Floats:
    """How many times the reference's learning rate a model of this size bears.

    The best rate falls about with the square root of the size; larger models than the reference are not held to less.
    """
    scale: Floats = np.sqrt(np.maximum(REFERENCE / np.maximum(size, 1.0), 1.0))
    return scale
