"""Events as lines of strict JSON, and back.

JSON has no NaN, so a non-finite number is written as the string "nan", "inf" or "-inf", and Python's None as null.
Everything written here can be read by any JSON parser.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from rldk_tui.events.schema import Completion, Event, Evidence, Heartbeat, Json, Measured, Metrics

SUBFOLDER = "rldk"
"""The folder of a run directory that holds our event logs."""

_FROM_TEXT = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_encoder = msgspec.json.Encoder()
_as_schema_says = msgspec.json.Decoder(Event).decode


def event_log_name(rank: int) -> str:
    """The file a rank appends to, below `SUBFOLDER`."""
    return f"events-rank{rank:05d}.jsonl"


def number_as_text(value: float) -> str:
    """A non-finite number as it is written on the wire."""
    if math.isnan(value):
        return "nan"
    return "inf" if value > 0 else "-inf"


def strict(value: Json) -> Json:
    """The same JSON value with every non-finite number as its text. Structs become dicts."""
    if isinstance(value, float):
        return value if math.isfinite(value) else number_as_text(value)
    if isinstance(value, dict):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    if isinstance(value, msgspec.Struct):
        return strict(msgspec.to_builtins(value))
    return value


def _all_finite(event: Event) -> bool:
    """Whether the quick encoder is right for this event: one sum tells for the common case."""
    if isinstance(event, Metrics | Measured):
        try:
            return math.isfinite(sum(event.values.values()))  # type: ignore[arg-type]
        except TypeError:  # None among the values
            return all(value is None or math.isfinite(value) for value in event.values.values())
    return isinstance(event, Heartbeat) and math.isfinite(event.time)


def encode_line(event: Event) -> bytes:
    """One event as one line, newline included.

    Raises:
        TypeError: for a value JSON cannot carry (the writer's caller has made plain numbers of them).
    """
    payload: Any = event if _all_finite(event) else strict(event)
    return _encoder.encode(payload) + b"\n"


def _numbers(values: dict[str, Any]) -> None:
    """Replace the wire's texts by the numbers they stand for, in place.

    Raises:
        msgspec.ValidationError: for a text that is no number.
    """
    for key, value in values.items():
        if type(value) is str:
            try:
                values[key] = _FROM_TEXT[value]
            except KeyError:
                raise msgspec.ValidationError(f"{value[:40]!r} is not a number - at `$.values[{key!r:.60}]`") from None


def decode_line(line: bytes) -> Event:
    """The event on one line.

    Raises:
        msgspec.DecodeError: if the line is not JSON (a bare NaN token included).
        msgspec.ValidationError: if it is JSON but no event this version knows; the message names the field.
    """
    try:
        event: Event = _as_schema_says(line)
    except msgspec.ValidationError:  # most likely a number that is not finite, which is a text
        return event_from(msgspec.json.decode(line))
    return event


def event_from(raw: Json) -> Event:
    """The event a decoded JSON object stands for.

    Raises:
        msgspec.ValidationError: if it is none.
    """
    if isinstance(raw, dict):
        if isinstance(raw.get("values"), dict):
            _numbers(raw["values"])
        if isinstance(raw.get("rows"), list):
            _numbers_of_rows(raw["rows"])
        if isinstance(raw.get("finding"), dict) and isinstance(raw["finding"].get("evidence"), dict):
            _numbers_of_evidence(raw["finding"]["evidence"])
    event: Event = msgspec.convert(raw, Event)
    return event


def _number(value: Json) -> Json:
    """The number a wire's text stands for; anything else as it is, for the schema to judge."""
    return _FROM_TEXT.get(value, value) if type(value) is str else value


def _numbers_of_rows(rows: list[Json]) -> None:
    for row in rows:
        if isinstance(row, dict):
            if isinstance(row.get("rewards"), dict):
                _numbers(row["rewards"])
            if "advantage" in row:
                row["advantage"] = _number(row["advantage"])


def _numbers_of_evidence(evidence: dict[str, Json]) -> None:
    if isinstance(evidence.get("values"), list):
        evidence["values"] = [_number(value) for value in evidence["values"]]
    for name in ("limit", "peak"):
        if name in evidence:
            evidence[name] = _number(evidence[name])


def json_schema() -> dict[str, Json]:
    """The wire format as JSON Schema: one event a line.

    A number may be a JSON number or one of the texts "nan", "inf", "-inf".
    """
    schema = msgspec.json.schema(Event)
    number = {"anyOf": [{"type": "number"}, {"enum": sorted(_FROM_TEXT)}, {"type": "null"}]}
    definitions = schema["$defs"]
    for kind in (Metrics, Measured):
        definitions[kind.__name__]["properties"]["values"]["additionalProperties"] = number
    completion = definitions[Completion.__name__]["properties"]
    completion["rewards"]["additionalProperties"] = number
    completion["advantage"] = number
    evidence = definitions[Evidence.__name__]["properties"]
    evidence["values"]["items"] = evidence["limit"] = evidence["peak"] = number
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "RLDK event", **schema}
