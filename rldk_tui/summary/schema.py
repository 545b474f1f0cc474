"""The check object as JSON Schema."""

from __future__ import annotations

from rldk_tui.events import ExtractionKind, Json, RunState, Severity

_TEXT: Json = {"type": "string"}
_STEP: Json = {"type": "integer", "minimum": 0}
_SHARE: Json = {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "null"}]}
_NUMBER: Json = {"anyOf": [{"type": "number"}, {"enum": ["nan", "inf", "-inf"]}, {"type": "null"}]}
_GRADES = [*(letter + mark for letter in "ABCDF" for mark in ("", "?")), "not graded"]


def or_null(schema: Json) -> Json:
    """A value that may be missing."""
    return {"anyOf": [schema, {"type": "null"}]}


def _list_of(items: Json) -> Json:
    return {"type": "array", "items": items}


def object_schema(properties: dict[str, Json], description: str = "") -> Json:
    """Every key is there; a later version may add more."""
    described = {"description": description} if description else {}
    return {"type": "object", **described, "properties": properties, "required": list(properties)}


_EVIDENCE = object_schema(
    {
        "metric": or_null(_TEXT),
        "unit": or_null(_TEXT),
        "steps": _list_of(_STEP),
        "values": _list_of(_NUMBER),
        "limit": _NUMBER,
        "peak": _NUMBER,
        "peak_step": or_null(_STEP),
        "rows": _list_of(_TEXT),
    },
    "The metric around the episode, thinned, and the limit it crossed. null: the trainer logged None.",
)
_ADVICE = object_schema(
    {
        "text": _TEXT,
        "parameter": {**or_null(_TEXT), "description": "its name in the run's own config"},
        "current": {"description": "today's value, any JSON value; null when unknown"},
        "proposed": or_null(_TEXT),
    }
)
_FINDING = object_schema(
    {
        "id": {**_TEXT, "description": "rule:scope:first_step, stable while the episode lasts"},
        "rule": _TEXT,
        "severity": {"enum": [severity.value for severity in Severity]},
        "first_step": _STEP,
        "last_step": _STEP,
        "detected_step": _STEP,
        "open": {"type": "boolean"},
        "metric": or_null(_TEXT),
        "summary": _TEXT,
        "evidence": _EVIDENCE,
        "cause": or_null(_TEXT),
        "advice": _list_of(_ADVICE),
        "parent": {**or_null(_TEXT), "description": "id of the finding that explains this one best"},
        "alternatives": {**_list_of(_TEXT), "description": "ids of others that may explain it as well"},
    },
    "One stretch of trouble. Findings come story by story: the worst story first, in each its root first.",
)
_NOT_EVALUATED = object_schema(
    {
        "rule": _TEXT,
        "reason": _TEXT,
        "how": {**or_null(_TEXT), "description": "what to log to have it evaluated"},
        "applicable": {"type": "boolean", "description": "false: the rule is not for this kind of run"},
    }
)


_EFFECT: Json = {**_NUMBER, "description": "the score without this finding less the score; null: not worked out"}


def finding_schema() -> Json:
    """What every object of a finding has."""
    return _FINDING


def _judged_finding() -> Json:
    """A finding beside the others of its run."""
    properties = {**_FINDING["properties"], "score_effect": _EFFECT}
    return {**_FINDING, "properties": properties, "required": list(properties)}


def check_schema() -> dict[str, Json]:
    """JSON Schema of what `rldk check --json` prints."""
    whole: dict[str, Json] = object_schema(
        {
            "schema_version": {"type": "integer", "minimum": 1},
            "run": _TEXT,
            "state": {"enum": [state.value for state in RunState]},
            "score": {**_SHARE, "description": "null: not graded"},
            "grade": {"enum": _GRADES, "description": '"?": too little was measured to be sure'},
            "coverage": {**_SHARE, "description": "share of the applicable rules that were evaluated, by weight"},
            "findings": {**_list_of(_judged_finding()), "description": "worst first"},
            "not_evaluated": _list_of(_NOT_EVALUATED),
            "rule_failures": _list_of(object_schema({"rule": _TEXT, "scope": or_null(_TEXT), "message": _TEXT})),
            "read_problems": _list_of(
                object_schema(
                    {"source": _TEXT, "message": _TEXT, "line": or_null({"type": "integer"}), "count": {"type": "integer"}}
                )
            ),
            "extraction_errors": _list_of(
                object_schema(
                    {
                        "kind": {"enum": [kind.value for kind in ExtractionKind]},
                        "metric": or_null(_TEXT),
                        "message": _TEXT,
                        "advice": or_null(_TEXT),
                        "count": {"type": "integer", "minimum": 1},
                        "first": or_null({"type": "integer"}),
                        "last": or_null({"type": "integer"}),
                    }
                )
            ),
        }
    )
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "RLDK check", **whole}
