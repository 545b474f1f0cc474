"""One run's health in the formats that scripts, CI systems and issue trackers take.

`check` builds the one object behind `rldk check --json`, `rldk-tui --once --json` and `report.json`; `schema` describes it;
`prose` (text and Markdown) and `junit` say the same in other words. Floor: above the session, below the faces.
To add a format: a module here and its name in `RENDERERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from rldk_tui.events import Severity
from rldk_tui.session import RunHealth
from rldk_tui.summary.check import CHECK_VERSION, check_object, latest_metrics, once_object, to_json
from rldk_tui.summary.junit import as_junit
from rldk_tui.summary.prose import as_markdown, as_text
from rldk_tui.summary.schema import check_schema

__all__ = [
    "CHECK_VERSION",
    "RENDERERS",
    "as_json",
    "as_junit",
    "as_markdown",
    "as_text",
    "check_object",
    "check_schema",
    "latest_metrics",
    "once_object",
    "to_json",
]


def as_json(health: RunHealth) -> str:
    """The check object as strict JSON."""
    return to_json(check_object(health))


RENDERERS: Mapping[str, Callable[[RunHealth, Severity], str]] = MappingProxyType(
    {
        "text": lambda health, _: as_text(health),
        "json": lambda health, _: as_json(health),
        "markdown": lambda health, _: as_markdown(health),
        "junit": as_junit,
    }
)
"""What `rldk check --format` offers; the severity is the one from which on a finding is a failure."""
