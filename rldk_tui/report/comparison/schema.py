"""What `rldk compare --json` prints, and comparison.json holds, as JSON Schema."""

from __future__ import annotations

import msgspec

from rldk_tui.comparison import Axis
from rldk_tui.comparison.differences import Difference
from rldk_tui.comparison.judgement import Judgement
from rldk_tui.comparison.objects import COMPARISON_VERSION
from rldk_tui.events import Algorithm, Json, RunState
from rldk_tui.report.schema import with_strict_numbers
from rldk_tui.summary.schema import object_schema, or_null

_TEXT: Json = {"type": "string"}
_NAMES: Json = {"type": "array", "items": _TEXT}


def comparison_schema() -> dict[str, Json]:
    """JSON Schema of the comparison. Every key is there, null is "not known"; a later version may add keys."""
    built, definitions = msgspec.json.schema_components([Judgement, Difference], ref_template="#/$defs/{name}")
    judgement, difference = (with_strict_numbers(schema) for schema in built)
    parted = object_schema({"step": {"type": "integer"}, "metrics": _NAMES}, "The first step at which the logs differ.")
    pair = object_schema(
        {
            "run": _TEXT,
            "says": {**_NAMES, "description": "which is better, and is that more than noise, in sentences"},
            "aim": {**or_null(judgement), "description": "the metric that decides"},
            "metrics": {"type": "array", "items": judgement, "description": "every metric that both runs have"},
            "settings": {"type": "array", "items": difference, "description": "config parameters that differ"},
            "findings": {"type": "array", "items": difference, "description": "severities of each rule's worst finding"},
            "first_difference": or_null(parted),
        },
        "A run against the first.",
    )
    run = object_schema(
        {
            "run": _TEXT,
            "directory": _TEXT,
            "state": {"enum": [state.value for state in RunState]},
            "algorithm": or_null({"enum": [algorithm.value for algorithm in Algorithm]}),
            "step": or_null({"type": "integer"}),
            "score": or_null({"type": "number", "minimum": 0, "maximum": 1}),
            "grade": _TEXT,
        }
    )
    whole = object_schema(
        {
            "schema_version": {"const": COMPARISON_VERSION},
            "by": {"enum": [axis.value for axis in Axis], "description": "what the runs are aligned by"},
            "runs": {"type": "array", "items": run, "minItems": 2},
            "comparisons": {"type": "array", "items": pair, "description": "one less than runs: each against the first"},
        }
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "RLDK comparison",
        **whole,
        "$defs": {name: with_strict_numbers(definition) for name, definition in sorted(definitions.items())},
    }
