"""How the replies of a training are sampled, as it was configured.

`generation_kwargs` overrides the arguments of the same name, in TRL's trainers as in here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rldk_tui.events import Json
from rldk_tui.run import RunInfo

OWN_KWARGS = "generation_kwargs"


@dataclass(frozen=True, slots=True)
class Cut:
    """A setting that takes tokens out of the distribution: its value, and the value at which it takes none."""

    setting: str
    value: float
    harmless: str

    def __str__(self) -> str:
        return f"{self.setting}={self.value:g}"


def sampling(info: RunInfo) -> Mapping[str, Json]:
    """The settings that hold for sampling."""
    own = info.config.get(OWN_KWARGS)
    return {**info.config, **own} if isinstance(own, Mapping) else info.config


def number(settings: Mapping[str, Json], name: str) -> float | None:
    """A setting that is a number."""
    value = settings.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def cuts(info: RunInfo) -> tuple[Cut, ...]:
    """What keeps tokens from being drawn although the policy gives them probability."""
    settings = sampling(info)
    top_k, top_p, min_p = (number(settings, name) for name in ("top_k", "top_p", "min_p"))
    return (
        *([Cut("top_k", top_k, "0")] if top_k is not None and top_k > 0 else []),
        *([Cut("top_p", top_p, "1.0")] if top_p is not None and top_p < 1 else []),
        *([Cut("min_p", min_p, "None")] if min_p is not None and min_p > 0 else []),
    )


def place(info: RunInfo, setting: str) -> str:
    """The parameter in which a setting was made."""
    own = info.config.get(OWN_KWARGS)
    return OWN_KWARGS if isinstance(own, Mapping) and setting in own else setting
