"""Two runs side by side: what was set differently, what was found differently, where they ended.

No claim of "better": whether a difference is more than noise needs more than two last values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rldk_tui.events import Json
from rldk_tui.run import Kind, MetricSeries
from rldk_tui.session import RunHealth

LAST_LOGS = 20
"""Logs at the end of a run whose median stands for where it ended."""
_OF_THE_PLACE = frozenset({"output_dir", "logging_dir", "run_name", "hub_model_id"})
"""Settings that say where a run lives, not how it was trained."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which two runs differ; None where a run does not have it."""

    name: str
    first: Json
    second: Json


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two runs.

    Attributes:
        settings: Config parameters with different values.
        findings: Severity of each rule's worst finding, where the runs differ.
        endings: Median of the last `LAST_LOGS` finite logs of every metric both runs logged.
    """

    settings: tuple[Difference, ...]
    findings: tuple[Difference, ...]
    endings: tuple[Difference, ...]


def compare(first: RunHealth, second: RunHealth) -> Comparison:
    """What differs between two runs."""
    mine, theirs = first.snapshot.info.config, second.snapshot.info.config
    settings = {name for name in {*mine, *theirs} if name not in _OF_THE_PLACE}
    common = [name for name in first.snapshot.shown_names() if name in second.snapshot.shown_names()]
    endings = (Difference(name, _ending(first.snapshot.series(name)), _ending(second.snapshot.series(name))) for name in common)
    return Comparison(
        settings=_differences(mine, theirs, settings),
        findings=_differences(_worst(first), _worst(second), {*_worst(first), *_worst(second)}),
        endings=tuple(ending for ending in endings if ending.first is not None or ending.second is not None),
    )


def _differences(first: Mapping[str, Json], second: Mapping[str, Json], names: set[str]) -> tuple[Difference, ...]:
    different = (Difference(name, first.get(name), second.get(name)) for name in sorted(names))
    return tuple(difference for difference in different if difference.first != difference.second)


def _worst(health: RunHealth) -> dict[str, str]:
    worst: dict[str, str] = {}
    for finding in health.findings:  # worst first
        worst.setdefault(finding.rule, finding.severity.value)
    return worst


def _ending(series: MetricSeries) -> float | None:
    finite = series.values[series.kinds == Kind.FINITE]
    return float(np.median(finite[-LAST_LOGS:])) if finite.size else None
