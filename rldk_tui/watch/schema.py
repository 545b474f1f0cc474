"""What one line of `rldk watch --json` promises, as JSON Schema."""

from __future__ import annotations

from rldk_tui.events import FindingChange, Json, RunState, Severity
from rldk_tui.summary.schema import finding_schema, object_schema, or_null
from rldk_tui.watch.lines import STATE, WATCH_VERSION


def watch_schema() -> dict[str, Json]:
    """JSON Schema of one line."""
    state = {"enum": [state.value for state in RunState]}
    severity = {"enum": [severity.value for severity in Severity]}
    whole: dict[str, Json] = object_schema(
        {
            "schema_version": {"type": "integer", "minimum": WATCH_VERSION},
            "time": {"type": "number", "description": "Unix seconds of the look at which it was seen"},
            "run": {"type": "string"},
            "change": {"enum": [STATE, *(change.value for change in FindingChange)]},
            "at_start": {"type": "boolean", "description": "true: it was so when the watch began"},
            "state": {**state, "description": "what the run is doing"},
            "state_before": {**or_null(state), "description": 'null unless "change" is "state" and one was told before'},
            "severity_before": {**or_null(severity), "description": 'null unless "change" is "escalated"'},
            "step": {**or_null({"type": "integer", "minimum": 0}), "description": "the last step heard of"},
            "finding": {**or_null(finding_schema()), "description": 'null if "change" is "state"'},
        }
    )
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "RLDK watch", **whole}
