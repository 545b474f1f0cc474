"""Whether anything on the panels changed between two looks: if not, nothing has to be drawn to find that out."""

from __future__ import annotations

from dataclasses import fields

from rldk_tui.charts.format import age
from rldk_tui.run import RunSnapshot
from rldk_tui.session import RunHealth
from rldk_tui.tui.view import View

_OF_THE_MOMENT = frozenset({"taken_at", "last_event_at", "step_seconds", "segments", "snapshot", "health", "step"})
"""What the header alone shows, and rows, whose every change changes the metrics too."""


def is_still(before: View, after: View) -> bool:
    """Whether both look the same on every panel. Values are compared where they are not the same object."""
    return (
        before.metrics is after.metrics
        and _ages(before) == _ages(after)
        and _same(before, after, View)
        and _same(before.health, after.health, RunHealth)
        and _same(before.health.snapshot, after.health.snapshot, RunSnapshot)
    )


def _same(before: object, after: object, kind: type) -> bool:
    names = (item.name for item in fields(kind) if item.name not in _OF_THE_MOMENT)
    return all(getattr(before, name) == getattr(after, name) for name in names)


def _ages(view: View) -> str:
    """How old the newest measurement of the machine is said to be."""
    snapshot = view.health.snapshot
    return age(snapshot.taken_at - snapshot.system[-1].time) if snapshot.system else ""
