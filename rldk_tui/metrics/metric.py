"""One row of the metric catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from rldk_tui.events.schema import Algorithm

GROUPED = frozenset({Algorithm.GRPO, Algorithm.RLOO})
"""Trainers that sample several replies a prompt and compare them."""
ONLINE = GROUPED | {Algorithm.PPO, Algorithm.ONLINE_DPO}
"""Trainers that sample replies and score them."""
PAIRED = frozenset({Algorithm.DPO, Algorithm.KTO, Algorithm.ONLINE_DPO})
"""Trainers that log chosen and rejected replies apart."""


class Direction(StrEnum):
    """Which way the metric should move in a run that goes well."""

    UP = "up"
    DOWN = "down"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Band:
    """Values that are normal. `source` says who says so."""

    low: float | None
    high: float | None
    source: str

    def holds(self, value: float) -> bool:
        """Whether the value lies inside."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{self.low:g}–{self.high:g}"
        return f"≤ {self.high:g}" if self.high is not None else f"≥ {self.low:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One row of the catalogue.

    Attributes:
        name: Canonical name.
        title: What a chart calls it.
        unit: Its unit; "" for a plain number or ratio.
        units: The unit in trainers where it differs.
        aliases: Other keys for the same quantity.
        bands: Normal values per trainer; trainers without one have no agreed band.
        expected_in: Trainers that log it without being asked.
        only_in: Trainers that can have it at all; empty for any.
        note: What it is often mistaken for.
        to_log: How to get it logged where it is missing.
        headline: Its place on a small screen, 1 first; 0 keeps it off.
        mark: Whether its number only tells one thing from another, so that no face shows it.
    """

    name: str
    title: str
    unit: str = ""
    units: Mapping[Algorithm, str] = field(default_factory=dict)
    direction: Direction = Direction.NEITHER
    aliases: tuple[str, ...] = ()
    bands: Mapping[Algorithm, Band] = field(default_factory=dict)
    expected_in: frozenset[Algorithm] = frozenset()
    only_in: frozenset[Algorithm] = frozenset()
    note: str = ""
    to_log: str = ""
    headline: int = 0
    mark: bool = False

    def possible_in(self, algorithm: Algorithm | None) -> bool:
        """Whether this trainer, if it is known, can have it."""
        return algorithm is None or not self.only_in or algorithm in self.only_in

    def unit_in(self, algorithm: Algorithm | None) -> str:
        """The unit the number has in this trainer's log."""
        if algorithm is None:
            return "" if self.units else self.unit
        return self.units.get(algorithm, self.unit)

    def band_in(self, algorithm: Algorithm | None) -> Band | None:
        """What is normal in this trainer, if anybody has said."""
        return None if algorithm is None else self.bands.get(algorithm)


def same_band(band: Band, algorithms: frozenset[Algorithm]) -> Mapping[Algorithm, Band]:
    """One band for several trainers."""
    return MappingProxyType(dict.fromkeys(algorithms, band))
