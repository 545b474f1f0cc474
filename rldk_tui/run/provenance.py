"""Which source told which metric."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from rldk_tui.events import Origin, Phase
from rldk_tui.metrics import canonical

_Told = dict[Phase | None, set[str]]


@dataclass(slots=True)
class _Tellers:
    """Who told a metric, the most trusted first: by what they are sorted, and their names."""

    ranks: list[tuple[int, str]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def add(self, rank: tuple[int, str]) -> bool:
        """Put one in its place; False if it is there."""
        at = bisect_left(self.ranks, rank)
        if self.ranks[at : at + 1] == [rank]:
            return False
        self.ranks.insert(at, rank)
        self.names.insert(at, rank[1])
        return True

    def remove(self, rank: tuple[int, str]) -> None:
        """Take out one that is there."""
        at = bisect_left(self.ranks, rank)
        del self.ranks[at], self.names[at]


class Provenance:
    """Remembers the keys of every source; costs what is new, for a run may have a file of generations a step."""

    def __init__(self) -> None:
        self._by_source: dict[str, tuple[int, _Told]] = {}
        self._by_metric: dict[str, _Tellers] = {}
        self._keys: frozenset[str] | None = None
        self._changed: set[str] = set()
        self._shown: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def note(self, origin: Origin, phase: Phase | None, keys: Iterable[str]) -> None:
        """A source told these keys; None for what was measured beside the trainer's log."""
        authority, told = self._by_source.setdefault(origin.source, (origin.authority, {}))
        known = told.setdefault(phase, set())
        new = set(keys) - known
        known |= new
        if new and phase is not None:
            self._keys = None
        for name in _names(phase, new):
            if self._by_metric.setdefault(name, _Tellers()).add((-authority, origin.source)):
                self._changed.add(name)

    def forget(self, source: str) -> None:
        """A source is read anew."""
        authority, told = self._by_source.pop(source, (0, {}))
        names = {name for phase, keys in told.items() for name in _names(phase, keys)}
        for name in names:
            self._by_metric[name].remove((-authority, source))
        self._changed |= names
        if told.keys() - {None}:
            self._keys = None

    def keys(self) -> frozenset[str]:
        """Every key of the trainer's log, as it was told."""
        if self._keys is None:
            self._keys = frozenset(
                key for _, told in self._by_source.values() for phase, keys in told.items() if phase is not None for key in keys
            )
        return self._keys

    def sources(self) -> Mapping[str, tuple[str, ...]]:
        """By canonical metric, `eval/` and `final/` in front of those phases, who told it, the most trusted first."""
        if self._changed:
            now = dict(self._shown)
            for name in self._changed:
                now[name] = tuple(self._by_metric[name].names)
            self._shown = MappingProxyType({name: tellers for name, tellers in now.items() if tellers})
            self._changed = set()
        return self._shown


def _names(phase: Phase | None, keys: Iterable[str]) -> set[str]:
    """Keys of a phase by canonical name."""
    prefix = "" if phase in (None, Phase.TRAIN) else f"{phase}/"
    return {prefix + (key if phase is None else canonical(key)) for key in keys}
