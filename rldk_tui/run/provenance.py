"""Which source told which metric."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from rldk_tui.events import Origin, Phase
from rldk_tui.metrics import canonical

_Told = dict[Phase | None, set[str]]


class Provenance:
    """Remembers the keys of every source."""

    def __init__(self) -> None:
        self._by_source: dict[str, tuple[int, _Told]] = {}
        self._cached: Mapping[str, tuple[str, ...]] | None = None

    def note(self, origin: Origin, phase: Phase | None, keys: Iterable[str]) -> None:
        """A source told these keys; None for what was measured beside the trainer's log."""
        _, told = self._by_source.setdefault(origin.source, (origin.authority, {}))
        known = told.setdefault(phase, set())
        before = len(known)
        known.update(keys)
        if len(known) != before:
            self._cached = None

    def forget(self, source: str) -> None:
        """A source is read anew."""
        if self._by_source.pop(source, None) is not None:
            self._cached = None

    def keys(self) -> frozenset[str]:
        """Every key of the trainer's log, as it was told."""
        return frozenset(
            key for _, told in self._by_source.values() for phase, keys in told.items() if phase is not None for key in keys
        )

    def sources(self) -> Mapping[str, tuple[str, ...]]:
        """By canonical metric, `eval/` and `final/` in front of those phases, who told it, the most trusted first."""
        if self._cached is None:
            by_metric: dict[str, list[str]] = {}
            for source, (_, told) in sorted(self._by_source.items(), key=lambda known: (-known[1][0], known[0])):
                for phase, keys in told.items():
                    prefix = "" if phase in (None, Phase.TRAIN) else f"{phase}/"
                    for name in sorted({prefix + (key if phase is None else canonical(key)) for key in keys}):
                        by_metric.setdefault(name, []).append(source)
            self._cached = MappingProxyType({name: tuple(sources) for name, sources in by_metric.items()})
        return self._cached
