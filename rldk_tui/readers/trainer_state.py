"""`trainer_state.json` of the Hugging Face Trainer: the whole log history, written at each checkpoint and at the end.

Its content tells it, as people copy it under other names. It may hold bare NaN and Infinity tokens, which strict parsers
refuse, so the standard library reads it. Its rows have no clock. The last row may be the trainer's summary (`train_loss`),
which is no metric row. A NaN that was logged as Python's None stands here as null, and only here and in our own log:
TensorBoard drops it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from rldk_tui.events import LAST_STEP, Metrics, Phase, ReadProblem, RunDescribed, RunEnded
from rldk_tui.readers import DocumentFormat, Read
from rldk_tui.readers._json_rows import text_of, whole_objects
from rldk_tui.readers._lines import BOM

_NAME = "trainer_state.json"
_HISTORY = re.compile(r'"log_history"\s*:\s*\[')
_SETTINGS = ("logging_steps", "save_steps", "eval_steps", "num_train_epochs", "train_batch_size")


def read(file: Path, path: PurePath) -> Iterator[Read]:
    """The history, what it tells of the run, and whether training had reached its end when it was written."""
    state, tokens, cut = _parsed(text_of(file))
    if cut:
        rescued = f"it is cut off or no JSON from somewhere on: {len(state['log_history'])} rows were read"
        yield ReadProblem(source=str(path), message=rescued)
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


def _parsed(text: str) -> tuple[dict[str, Any], list[str], bool]:
    """The state, the tokens in it that JSON does not know, and whether only its rows could be rescued.

    Raises:
        ValueError: if it is no JSON, or no state.
    """
    tokens: list[str] = []

    def constant(token: str) -> float:
        tokens.append(token)
        return float(token.replace("Infinity", "inf"))

    cut = False
    try:
        state = json.loads(text, parse_constant=constant)
    except (ValueError, RecursionError) as failure:
        state, cut = {"log_history": _rescued(text)}, True
        if not state["log_history"]:
            raise ValueError("it is nested too deep" if isinstance(failure, RecursionError) else str(failure)) from None
    if not isinstance(state, dict) or not isinstance(state.get("log_history"), list):
        raise ValueError("it holds no log_history")
    return state, tokens, cut


def _rescued(text: str) -> list[dict[str, Any]]:
    """The rows of a history that is cut off; one that is only half written will be whole at the next look."""
    begin = _HISTORY.search(text)
    return list(whole_objects(text, begin.end())) if begin else []


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
    """A JSON object with a log history, or what bears the name, so that what is wrong with it is told."""
    if head.removeprefix(BOM).lstrip().startswith(b"{"):
        return path.name == _NAME or b'"log_history"' in head
    return path.name == _NAME and head != b""


FORMAT = DocumentFormat(name="trainer state", authority=4, claims=claims, read=read)
