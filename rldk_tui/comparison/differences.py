"""What two runs were set to, and what was found in them, where that differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rldk_tui.events import Json
from rldk_tui.session import RunHealth

_OF_THE_PLACE = frozenset({"output_dir", "logging_dir", "run_name", "hub_model_id"})
"""Settings that say where a run lives, not how it was trained."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which two runs differ; None where a run does not have it."""

    name: str
    first: Json
    second: Json


def settings(first: RunHealth, second: RunHealth) -> tuple[Difference, ...]:
    """Config parameters with different values, and the model where that differs."""
    mine, theirs = first.snapshot.info, second.snapshot.info
    names = {name for name in {*mine.config, *theirs.config} if name not in _OF_THE_PLACE}
    model = (Difference("model", mine.model, theirs.model),) if mine.model != theirs.model else ()
    return (*model, *_differences(mine.config, theirs.config, names))


def findings(first: RunHealth, second: RunHealth) -> tuple[Difference, ...]:
    """Severity of each rule's worst finding, where the runs differ."""
    mine, theirs = worst(first), worst(second)
    return _differences(mine, theirs, {*mine, *theirs})


def worst(health: RunHealth) -> dict[str, str]:
    """The severity of each rule's worst finding."""
    found: dict[str, str] = {}
    for finding in health.findings:
        known = found.get(finding.rule)
        if known is None or finding.severity.rank > type(finding.severity)(known).rank:
            found[finding.rule] = finding.severity.value
    return found


def _differences(first: Mapping[str, Json], second: Mapping[str, Json], names: set[str]) -> tuple[Difference, ...]:
    different = (Difference(name, first.get(name), second.get(name)) for name in sorted(names))
    return tuple(difference for difference in different if difference.first != difference.second)
