"""`trainer_state.json` of the Hugging Face Trainer: the whole log history, written at each checkpoint and at the end.

It may hold bare NaN and Infinity tokens, which strict parsers refuse, so the standard library reads it. Its rows have no
clock. The last row may be the trainer's summary (`train_loss`), which is no metric row. A NaN that was logged as Python's
None stands here as null, and only here and in our own log: TensorBoard drops it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from rldk_tui.events import LAST_STEP, Metrics, Phase, ReadProblem, RunDescribed, RunEnded
from rldk_tui.readers import DocumentFormat, Read

_NAME = "trainer_state.json"
_BOM = b"\xef\xbb\xbf"
_SETTINGS = ("logging_steps", "save_steps", "eval_steps", "num_train_epochs", "train_batch_size")


def read(file: Path, path: PurePath) -> Iterator[Read]:
    """The history, what it tells of the run, and whether training had reached its end when it was written."""
    tokens: list[str] = []

    def constant(token: str) -> float:
        tokens.append(token)
        return float(token.replace("Infinity", "inf"))

    state = json.loads(file.read_bytes().removeprefix(_BOM), parse_constant=constant)
    if not isinstance(state, dict) or not isinstance(state.get("log_history"), list):
        raise ValueError("it holds no log_history")
    if tokens:
        yield ReadProblem(
            source=str(path),
            message=f"bare {tokens[0]} tokens, which JSON does not know, were read as numbers",
            count=len(tokens),
        )
    reached, goal = state.get("global_step"), state.get("max_steps")
    yield RunDescribed(
        time=math.nan,
        config={key: state[key] for key in _SETTINGS if state.get(key) is not None},
        max_steps=goal if isinstance(goal, int) and goal > 0 else None,
    )
    finished = isinstance(reached, int) and isinstance(goal, int) and 0 < goal <= reached
    for entry in state["log_history"]:
        if isinstance(entry, dict) and _is_step(entry.get("step")):
            for read in _row(entry, path):
                finished |= isinstance(read, Metrics) and read.phase is Phase.FINAL
                yield read
        else:
            yield ReadProblem(source=str(path), message="a row of log_history has no step")
    if finished and isinstance(reached, int) and _is_step(reached):
        yield RunEnded(time=math.nan, step=reached)


def _is_step(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LAST_STEP and value == int(value)


def _number(value: object) -> float | None:
    """A logged number; a number written as text counts. None for anything else."""
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except ValueError:
        return None
    except OverflowError:  # an integer of more than 308 digits
        return math.inf if isinstance(value, int) and value > 0 else -math.inf


def _row(entry: dict[str, Any], path: PurePath) -> Iterator[Read]:
    """One row of the history; its phase is told by its keys, and a row may carry an evaluation beside the training's log."""
    by_phase: dict[Phase, dict[str, float | None]] = {}
    own = Phase.FINAL if "train_loss" in entry else Phase.TRAIN
    for key, value in entry.items():
        if key == "step":
            continue
        number = None if value is None else _number(value)
        if value is not None and number is None:
            yield ReadProblem(source=str(path), message=f"{key[:60]!r} is no number and was left out")
            continue
        phase = Phase.EVAL if key.startswith("eval_") else own
        by_phase.setdefault(phase, {})[key.removeprefix("eval_")] = number
    if Phase.EVAL in by_phase and set(by_phase.get(own, ())) <= {"epoch"}:
        by_phase.pop(own, None)
    for phase, values in by_phase.items():
        yield Metrics(time=math.nan, step=int(entry["step"]), phase=phase, values=values)


def claims(path: PurePath, head: bytes) -> bool:
    """A JSON object of that name."""
    return path.name == _NAME and head.removeprefix(_BOM).lstrip().startswith(b"{")


FORMAT = DocumentFormat(name="trainer state", authority=4, claims=claims, read=read)
