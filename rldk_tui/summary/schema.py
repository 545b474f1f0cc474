"""The check object as JSON Schema."""

from __future__ import annotations

from rldk_tui.events import Json, RunState, Severity

_TEXT: Json = {"type": "string"}
_STEP: Json = {"type": "integer", "minimum": 0}
_SHARE: Json = {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "null"}]}
_NUMBER: Json = {"anyOf": [{"type": "number"}, {"enum": ["nan", "inf", "-inf"]}, {"type": "null"}]}
_GRADES = [*(letter + mark for letter in "ABCDF" for mark in ("", "?")), "not graded"]


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _list_of(items: Json) -> Json:
    return {"type": "array", "items": items}


def _object(properties: dict[str, Json], description: str = "") -> Json:
    """Every key is there; a later version may add more."""
    described = {"description": description} if description else {}
    return {"type": "object", **described, "properties": properties, "required": list(properties)}


_EVIDENCE = _object(
    {
        "metric": _or_null(_TEXT),
        "unit": _or_null(_TEXT),
        "steps": _list_of(_STEP),
        "values": _list_of(_NUMBER),
        "limit": _NUMBER,
        "peak": _NUMBER,
        "peak_step": _or_null(_STEP),
        "rows": _list_of(_TEXT),
    },
    "The metric around the episode, thinned, and the limit it crossed. null: the trainer logged None.",
)
_ADVICE = _object(
    {
        "text": _TEXT,
        "parameter": {**_or_null(_TEXT), "description": "its name in the run's own config"},
        "current": {"description": "today's value, any JSON value; null when unknown"},
        "proposed": _or_null(_TEXT),
    }
)
_FINDING = _object(
    {
        "id": {**_TEXT, "description": "rule:scope:first_step, stable while the episode lasts"},
        "rule": _TEXT,
        "severity": {"enum": [severity.value for severity in Severity]},
        "first_step": _STEP,
        "last_step": _STEP,
        "detected_step": _STEP,
        "open": {"type": "boolean"},
        "metric": _or_null(_TEXT),
        "summary": _TEXT,
        "evidence": _EVIDENCE,
        "cause": _or_null(_TEXT),
        "advice": _list_of(_ADVICE),
        "parent": {**_or_null(_TEXT), "description": "id of the finding that explains this one best"},
        "score_effect": {**_NUMBER, "description": "the score without this finding less the score; null: not worked out"},
        "alternatives": {**_list_of(_TEXT), "description": "ids of others that may explain it as well"},
    },
    "One stretch of trouble. Findings come story by story: the worst story first, in each its root first.",
)
_NOT_EVALUATED = _object(
    {
        "rule": _TEXT,
        "reason": _TEXT,
        "how": {**_or_null(_TEXT), "description": "what to log to have it evaluated"},
        "applicable": {"type": "boolean", "description": "false: the rule is not for this kind of run"},
    }
)


def check_schema() -> dict[str, Json]:
    """JSON Schema of what `rldk check --json` prints."""
    whole: dict[str, Json] = _object(
        {
            "schema_version": {"type": "integer", "minimum": 1},
            "run": _TEXT,
            "state": {"enum": [state.value for state in RunState]},
            "score": {**_SHARE, "description": "null: not graded"},
            "grade": {"enum": _GRADES, "description": '"?": too little was measured to be sure'},
            "coverage": {**_SHARE, "description": "share of the applicable rules that were evaluated, by weight"},
            "findings": {**_list_of(_FINDING), "description": "worst first"},
            "not_evaluated": _list_of(_NOT_EVALUATED),
            "rule_failures": _list_of(_object({"rule": _TEXT, "scope": _or_null(_TEXT), "message": _TEXT})),
            "read_problems": _list_of(
                _object(
                    {"source": _TEXT, "message": _TEXT, "line": _or_null({"type": "integer"}), "count": {"type": "integer"}}
                )
            ),
        }
    )
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "RLDK check", **whole}
