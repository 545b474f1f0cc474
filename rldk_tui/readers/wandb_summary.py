"""W&B's `wandb-summary.json`: the last value of every metric.

A last resort: it is one row, and its values may be of different steps. Where the run's own file or history lies beside it,
that tells the same and more, and nothing is taken from here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path, PurePath

from rldk_tui.events import ReadProblem, RunDescribed
from rldk_tui.readers import DocumentFormat, Read
from rldk_tui.readers._json_rows import text_of
from rldk_tui.readers._rows import Rows

_NAME = "wandb-summary.json"


def read(file: Path, path: PurePath) -> Iterator[Read]:
    """One row at the last step."""
    if any(file.parent.parent.glob("*.wandb")) or (file.parent / "wandb-history.jsonl").exists():
        yield RunDescribed(time=math.nan)
        return
    try:
        summary = json.loads(text_of(file))
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if not isinstance(summary, dict):
        raise ValueError("it is no object")
    reads = list(Rows(str(path)).take(summary))
    yield from reads
    if len(reads) > 1:
        yield ReadProblem(source=str(path), message="only the last value of each metric is known: W&B's run file is not here")
    else:
        yield ReadProblem(source=str(path), message="it tells of no metric: the run ended before it logged one")


def claims(path: PurePath, head: bytes) -> bool:
    """An object of that name."""
    return path.name == _NAME and head.lstrip().startswith(b"{")


FORMAT = DocumentFormat(name="W&B summary", authority=1, claims=claims, read=read)
