"""report.json as JSON Schema: the check object, the latest metrics, and what each section built."""

from __future__ import annotations

import types
import typing
from typing import Any

import msgspec

from rldk_tui.events import Json
from rldk_tui.report.sections import load_sections
from rldk_tui.summary.schema import check_schema, object_schema, or_null

_NUMBER: Json = {"anyOf": [{"type": "number"}, {"enum": ["nan", "inf", "-inf"]}]}
"""JSON has no numbers that are not finite."""


def report_schema() -> dict[str, Json]:
    """JSON Schema of report.json. A section that has nothing to say of a run is left out; third parties' may be added."""
    sections = [named for named in load_sections() if not named.foreign]
    built = [_built(named.section.build) for named in sections]
    schemas, definitions = msgspec.json.schema_components(built, ref_template="#/$defs/{name}")
    contents: Json = {
        "type": "object",
        "properties": {
            named.id: {**with_strict_numbers(schema), "title": named.section.title}
            for named, schema in zip(sections, schemas, strict=True)
        },
    }
    report = object_schema(
        {
            "made_at": {"type": "number", "description": "Unix seconds at which the run was read"},
            "tool_version": {"type": "string"},
            "title": or_null({"type": "string"}),
            "redacted": {"type": "boolean", "description": "generations, host names, paths and process ids are left out"},
            "sections": contents,
        },
        "The data behind the page, by the id of the section.",
    )
    check = check_schema()
    latest = object_schema({"value": or_null(_NUMBER), "unit": {"type": "string"}, "step": {"type": "integer"}})
    whole: dict[str, Json] = {
        **check,
        "title": "RLDK report",
        "properties": {
            **check["properties"],
            "metrics": {"type": "object", "additionalProperties": latest, "description": "each metric's newest value"},
            "report": report,
        },
        "required": [*check["required"], "metrics", "report"],
        "$defs": {name: with_strict_numbers(definition) for name, definition in sorted(definitions.items())},
    }
    return whole


def _built(build: Any) -> Any:
    """What a section's function returns, without the None that leaves it out."""
    returned = typing.get_type_hints(build)["return"]
    if isinstance(returned, types.UnionType):
        kinds = [kind for kind in typing.get_args(returned) if kind is not type(None)]
        return kinds[0] if len(kinds) == 1 else typing.Union[tuple(kinds)]  # noqa: UP007 - of kinds known at run time
    return returned


def with_strict_numbers(schema: Any) -> Any:
    """The schema of what a strict encoder writes: a number may be the name of one that is not finite."""
    if isinstance(schema, dict):
        if schema.get("type") == "number":
            return {**{name: value for name, value in schema.items() if name != "type"}, **_NUMBER}
        return {name: with_strict_numbers(value) for name, value in schema.items()}
    if isinstance(schema, list):
        return [with_strict_numbers(value) for value in schema]
    return schema
