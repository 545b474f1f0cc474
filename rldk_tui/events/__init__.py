"""The wire format: what a run directory says, as typed values.

`schema` holds the events and the records that several floors speak of (Finding, ReadProblem), `wire` turns them into
lines of strict JSON and back, `writer` appends them to a file. Floor: above `statistics`, below everything that reads or
writes a run. To add a kind of event: a struct in `schema` and its name in `Event`.
"""

from rldk_tui.events.schema import (
    SCHEMA_VERSION,
    Advice,
    Algorithm,
    Checkpoint,
    Completion,
    Completions,
    Event,
    Evidence,
    ExtractionError,
    Finding,
    FindingChange,
    FindingReported,
    Gpu,
    Heartbeat,
    Json,
    Metrics,
    Origin,
    Phase,
    ReadProblem,
    RunDescribed,
    RunEnded,
    RunStarted,
    RunState,
    Severity,
    System,
)
from rldk_tui.events.wire import SUBFOLDER, decode_line, encode_line, event_log_name, json_schema, strict

__all__ = [
    "SCHEMA_VERSION",
    "SUBFOLDER",
    "Advice",
    "Algorithm",
    "Checkpoint",
    "Completion",
    "Completions",
    "Event",
    "Evidence",
    "ExtractionError",
    "Finding",
    "FindingChange",
    "FindingReported",
    "Gpu",
    "Heartbeat",
    "Json",
    "Metrics",
    "Origin",
    "Phase",
    "ReadProblem",
    "RunDescribed",
    "RunEnded",
    "RunStarted",
    "RunState",
    "Severity",
    "System",
    "decode_line",
    "encode_line",
    "event_log_name",
    "json_schema",
    "strict",
]
