"""What `rldk checkpoints --json` promises, as JSON Schema."""

from __future__ import annotations

from typing import Any

from rldk_tui.checkpoints.layout import CheckpointKind
from rldk_tui.checkpoints.roles import Role
from rldk_tui.checkpoints.tensors import DType
from rldk_tui.events import Json, Severity
from rldk_tui.summary.checkpoints.objects import CHECKPOINTS_VERSION
from rldk_tui.summary.schema import object_schema, or_null

_TEXT: Json = {"type": "string"}
_FLAG: Json = {"type": "boolean"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_SHARE: Json = {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "null"}]}
_NUMBER: Json = {"anyOf": [{"type": "number"}, {"enum": ["nan", "inf", "-inf"]}, {"type": "null"}]}
_VERSION: Json = {"type": "integer", "minimum": CHECKPOINTS_VERSION}
_RELATIVE: Json = {**_NUMBER, "description": "‖ΔW‖/‖W‖"}


def _all(kind: Json, *names: str) -> dict[str, Json]:
    return dict.fromkeys(names, kind)


def _list_of(items: Json) -> Json:
    return {"type": "array", "items": items}


def _one_of(names: Any) -> Json:
    return {"enum": [name.value for name in names]}


def _ref(name: str) -> Json:
    return {"$ref": f"#/$defs/{name}"}


_ISSUE = object_schema(
    {
        "rule": _TEXT,
        "severity": _one_of(Severity),
        "message": _TEXT,
        "tensors": {**_list_of(_TEXT), "description": "the first few, the worst first"},
        "advice": _list_of(object_schema({"text": _TEXT, **_all({}, "parameter", "current", "proposed")})),
    }
)
_PROBLEM = object_schema(
    {
        "kind": {**_TEXT, "description": "a short stable id, such as truncated"},
        **_all(_TEXT, "source", "message", "advice"),
        "tensor": or_null(_TEXT),
    }
)
_DRIFT = object_schema(
    {
        "steps": or_null({"type": "integer"}),
        "relative": _RELATIVE,
        "untold": {**_COUNT, "description": "tensors that changed by an amount that is not known"},
        "per_step": _NUMBER,
    }
)
_SUMMARY = object_schema(
    {
        "name": {**_TEXT, "description": "all, the layer's number or the role's name"},
        **_all(_COUNT, "tensors", "count", "nonfinite", "zeros", "outliers", "dead_rows", "dead_columns"),
        **_all(_NUMBER, "minimum", "maximum", "mean", "std", "norm", "rms"),
    },
    "Weights taken together; buffers and whole numbers are left out.",
)
_PLACED = {
    "name": _TEXT,
    "shape": _list_of(_COUNT),
    "role": _one_of(Role),
    "layer": or_null(_COUNT),
    "problem": {**or_null(_TEXT), "description": "why it could not be read; what was to be measured is null then"},
}
_TENSOR = object_schema(
    {
        **_PLACED,
        "source": _TEXT,
        "dtype": _one_of(DType),
        **_all(or_null(_COUNT), "count", "nan", "inf", "zeros", "outliers", "dead_rows", "dead_columns"),
        **_all(_NUMBER, "minimum", "maximum", "mean", "std", "square_sum", "norm", "rms"),
        **_all({**_NUMBER, "description": "with --spectral"}, "largest_singular", "power_law_alpha"),
        "change": {**_NUMBER, "description": "‖ΔW‖/‖W‖ since the checkpoint before, where one is kept"},
    }
)
_TRAINING = object_schema(
    {
        "step": or_null(_COUNT),
        "learning_rate": _NUMBER,
        "trainer": or_null(
            object_schema(
                {
                    **_all(or_null(_COUNT), "step", "max_steps", "best_step", "last_logged"),
                    **_all(_NUMBER, "epoch", "epochs", "best_metric"),
                    "best_checkpoint": or_null(_TEXT),
                }
            )
        ),
        "optimizer": or_null(object_schema({"step": _NUMBER, "parameters": _COUNT, "groups": _list_of({"type": "object"})})),
        "scheduler": or_null(
            object_schema(
                {
                    "last_epoch": or_null({"type": "integer"}),
                    "last_lr": _list_of(_NUMBER),
                    "base_lrs": _list_of(_NUMBER),
                    "follows_metric": _FLAG,
                }
            )
        ),
    },
    "What trainer_state.json, optimizer.pt and scheduler.pt say; null for one that is not there.",
)
_FACTS = {
    "path": _TEXT,
    "step": or_null(_COUNT),
    "kind": _one_of(CheckpointKind),
    "complete": or_null(_FLAG),
    "size": _COUNT,
    "score": {**_SHARE, "description": "its health; null: not graded"},
    "grade": _TEXT,
    "coverage": _SHARE,
    "caps": _list_of(object_schema({"limit": {"type": "number"}, "reason": _TEXT})),
    "since_previous": or_null(_ref("drift")),
    "since_first": or_null(_ref("drift")),
    "issues": {**_list_of(_ref("issue")), "description": "worst first"},
    "figures": {
        "type": "object",
        "description": "by the names of the log's columns; what could not be measured is absent",
        "additionalProperties": object_schema({"value": _NUMBER, "about": _list_of(_TEXT)}),
    },
    "problems": _list_of(_ref("problem")),
}
_ANALYSIS = object_schema(
    {
        "schema_version": _VERSION,
        **_FACTS,
        "total": _ref("summary"),
        "layers": _list_of(_ref("summary")),
        "roles": _list_of(_ref("summary")),
        "tensors": _list_of(_ref("tensor")),
        "training": _ref("training"),
    },
    "One checkpoint.",
)
_CHANGES = object_schema(
    {
        "name": _TEXT,
        **_all(_COUNT, "tensors", "unchanged_tensors", "count"),
        **_all(_NUMBER, "cosine", "sign_flips", "unchanged", "largest"),
        "relative": _RELATIVE,
    }
)
_CHANGE = object_schema(
    {
        **_PLACED,
        **_all(or_null(_COUNT), "count", "left_out", "unchanged", "sign_flips", "ulp_changed"),
        **_all(_NUMBER, "change_square_sum", "before_square_sum", "after_square_sum", "dot", "largest", "cosine"),
        "relative": _RELATIVE,
        "effective_rank": {**_NUMBER, "description": "of the change of a matrix as small as an adapter's"},
    }
)
_COMPARISON = object_schema(
    {
        "schema_version": _VERSION,
        "before": _TEXT,
        "after": _TEXT,
        "steps": or_null({"type": "integer"}),
        "relative_per_step": _NUMBER,
        **_all(_list_of(_TEXT), "only_before", "only_after", "reshaped"),
        "total": _ref("changes"),
        "layers": _list_of(_ref("changes")),
        "roles": _list_of(_ref("changes")),
        "tensors": _list_of(_ref("change")),
        "problems": _list_of(_ref("problem")),
    },
    "Two checkpoints.",
)
_RUN = object_schema(
    {
        "schema_version": _VERSION,
        "run": _TEXT,
        "checkpoints": _list_of(
            object_schema({**_FACTS, "usable": _FLAG, **_all(_NUMBER, "evaluation", "reward", "reward_error", "kl")})
        ),
        "final": {**or_null(object_schema(_FACTS)), "description": "the model in the run's directory itself"},
        "keep": {
            **or_null(object_schema({"step": _COUNT, "reasons": _list_of(_TEXT)})),
            "description": "null: none can be used",
        },
    },
    "All checkpoints of a run.",
)


def checkpoints_schema() -> dict[str, Json]:
    """JSON Schema of what `rldk checkpoints --json` prints."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "RLDK checkpoints",
        "anyOf": [
            _ref("analysis"),
            _ref("comparison"),
            _ref("run"),
            {"type": "array", "items": _ref("analysis"), "description": "Several checkpoints."},
        ],
        "$defs": {
            "analysis": _ANALYSIS,
            "comparison": _COMPARISON,
            "run": _RUN,
            "issue": _ISSUE,
            "problem": _PROBLEM,
            "drift": _DRIFT,
            "summary": _SUMMARY,
            "tensor": _TENSOR,
            "training": _TRAINING,
            "changes": _CHANGES,
            "change": _CHANGE,
        },
    }
