"""A change on one line: for people, or as one strict JSON object."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from rldk_tui.charts.format import count
from rldk_tui.charts.text import one_line
from rldk_tui.events import Json, RunState
from rldk_tui.summary.check import finding_object
from rldk_tui.watch.changes import Change, StateChanged

WATCH_VERSION = 1
"""Raised when a key changes its meaning or goes away; new keys do not raise it."""
_LONGEST = 1000
STATE = "state"
"""The `change` of a run that went into another state."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When and of which run a change is told; `step` is the last that was heard of."""

    time: float
    run: str
    state: RunState
    step: int | None


def change_object(change: Change, moment: Moment) -> dict[str, Json]:
    """Every key whatever the change is; strict JSON."""
    whole: dict[str, Json] = {
        "schema_version": WATCH_VERSION,
        "time": moment.time,
        "run": moment.run,
        "change": STATE,
        "at_start": change.at_start,
        "state": moment.state.value,
        "state_before": None,
        "severity_before": None,
        "step": moment.step,
        "finding": None,
    }
    if isinstance(change, StateChanged):
        before = change.before
        return {**whole, "state": change.state.value, "state_before": before.value if before else None}
    worse_than = change.severity_before
    return {
        **whole,
        "change": change.change.value,
        "severity_before": worse_than.value if worse_than else None,
        "finding": finding_object(change.finding),
    }


def as_json_line(change: Change, moment: Moment) -> str:
    """One object on one line."""
    text = json.dumps(change_object(change, moment), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode("utf-8")


def as_text_line(change: Change, moment: Moment) -> str:
    """One line for a terminal or a log: time, step, severity, what happened, and in which words."""
    clock = time.strftime("%H:%M:%S", time.localtime(moment.time))
    if isinstance(change, StateChanged):
        return one_line(f"{clock}  {_step(moment.step)}  {'':8}  {change.state.value:9}  {moment.run}", _LONGEST)
    finding = change.finding
    what = "open" if change.at_start else change.change.value
    text = (
        f"{clock}  {_step(finding.last_step)}  {finding.severity.value.upper():8}  {what:9}  {finding.rule}: {finding.summary}"
    )
    return one_line(text, _LONGEST)


def _step(step: int | None) -> str:
    return f"{'no step yet' if step is None else f'step {count(step)}':12}"
