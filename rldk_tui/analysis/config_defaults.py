"""Which settings of a run are not the trainer's defaults.

The defaults are those of the config classes of the TRL and transformers named in `trl_defaults.json` (written from them, for
no face may import a trainer); a setting that the config class itself works out when it is left open is not compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from rldk_tui.events import Algorithm, Json

_WORKED_OUT = frozenset(
    {
        "accelerator_config",
        "bf16",
        "dataloader_pin_memory",
        "debug",
        "disable_tqdm",
        "generation_batch_size",
        "hub_model_id",
        "report_to",
        "steps_per_generation",
    }
)
"""What the config class fills in or rewrites by itself."""


@cache
def _table() -> Mapping[str, Any]:
    return msgspec.json.decode((files("rldk_tui.analysis") / "trl_defaults.json").read_bytes(), type=dict[str, Any])


def defaults_of(algorithm: Algorithm | None) -> Mapping[str, Json]:
    """Every default of the trainer's config; of an unknown trainer those that all share."""
    table = _table()
    return {**table["all"], **(table[algorithm.value] if algorithm is not None else {})}


def defaults_version() -> str:
    """Of which TRL they are."""
    return str(_table()["trl"])


def set_otherwise(config: Mapping[str, Json], algorithm: Algorithm | None) -> dict[str, tuple[Json, Json]]:
    """The settings that differ from their default: the value and the default, by name."""
    known = defaults_of(algorithm)
    return {
        name: (value, known[name])
        for name, value in sorted(config.items())
        if name in known and name not in _WORKED_OUT and not _same(value, known[name])
    }


def _same(value: Json, default: Json) -> bool:
    """1 and 1.0 are the same number; True and 1 are not the same setting."""
    if isinstance(value, bool) or isinstance(default, bool):
        return value is default
    return bool(value == default)
