"""Which source told which metric."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from rldk_tui.events import Origin, Phase
from rldk_tui.metrics import canonical

_Told = dict[Phase | None, set[str]]


class Provenance:
    """Remembers the keys of every source; costs what is new, for a run may have a file of generations a step."""

    def __init__(self) -> None:
        self._by_source: dict[str, tuple[int, _Told]] = {}
        self._by_metric: dict[str, list[tuple[int, str]]] = {}
        self._changed: set[str] = set()
        self._shown: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def note(self, origin: Origin, phase: Phase | None, keys: Iterable[str]) -> None:
        """A source told these keys; None for what was measured beside the trainer's log."""
        authority, told = self._by_source.setdefault(origin.source, (origin.authority, {}))
        known = told.setdefault(phase, set())
        new = set(keys) - known
        known |= new
        entry = (-authority, origin.source)
        for name in _names(phase, new):
            tellers = self._by_metric.setdefault(name, [])
            at = bisect_left(tellers, entry)
            if tellers[at : at + 1] != [entry]:
                tellers.insert(at, entry)
                self._changed.add(name)

    def forget(self, source: str) -> None:
        """A source is read anew."""
        authority, told = self._by_source.pop(source, (0, {}))
        for phase, keys in told.items():
            for name in _names(phase, keys):
                tellers = self._by_metric.get(name, [])
                if (-authority, source) in tellers:
                    tellers.remove((-authority, source))
                    self._changed.add(name)

    def keys(self) -> frozenset[str]:
        """Every key of the trainer's log, as it was told."""
        return frozenset(
            key for _, told in self._by_source.values() for phase, keys in told.items() if phase is not None for key in keys
        )

    def sources(self) -> Mapping[str, tuple[str, ...]]:
        """By canonical metric, `eval/` and `final/` in front of those phases, who told it, the most trusted first."""
        if self._changed:
            now = dict(self._shown)
            for name in self._changed:
                now[name] = tuple(source for _, source in self._by_metric[name])
            self._shown = MappingProxyType({name: tellers for name, tellers in now.items() if tellers})
            self._changed = set()
        return self._shown


def _names(phase: Phase | None, keys: Iterable[str]) -> set[str]:
    """Keys of a phase by canonical name."""
    prefix = "" if phase in (None, Phase.TRAIN) else f"{phase}/"
    return {prefix + (key if phase is None else canonical(key)) for key in keys}
