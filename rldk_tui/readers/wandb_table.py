"""W&B tables of generations (`*.table.json`): columns such as query, response and reward (trlX and others log them).

The name holds W&B's step: `game_log_150_<digest>.table.json`. A table without a column of replies is not read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path, PurePath

from rldk_tui.events import LAST_STEP, Completion, Completions
from rldk_tui.events.conversation import as_text
from rldk_tui.readers import DocumentFormat, Read
from rldk_tui.readers._json_rows import text_of
from rldk_tui.readers._numbers import number

_NAME = re.compile(r"_(\d{1,15})_[0-9a-f]{8,}\.table\.json$")
_PROMPTS, _REPLIES = ("query", "prompt", "question", "input"), ("response", "completion", "output", "sample")
_MOST_ROWS = 16_384


def read(file: Path, path: PurePath) -> Iterator[Read]:
    """The generations of the table as one event."""
    try:
        table = json.loads(text_of(file))
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    columns = [str(name) for name in table["columns"]]
    prompt, reply = _one_of(_PROMPTS, columns), _one_of(_REPLIES, columns)
    if reply is None:
        raise ValueError("it has no column of replies")
    scores = [name for name in columns if "reward" in name.lower() or "score" in name.lower()]
    rows = []
    for cells in table["data"][:_MOST_ROWS]:
        row = dict(zip(columns, cells, strict=False))
        rows.append(
            Completion(
                prompt=as_text(row.get(prompt, "")) if prompt else "",
                completion=as_text(row.get(reply, "")),
                rewards={name: number(row.get(name)) for name in scores},
            )
        )
    named = _NAME.search(path.name)
    step = min(int(named[1]), LAST_STEP) if named else 0
    yield Completions(time=math.nan, step=step, rows=tuple(rows), left_out=max(0, len(table["data"]) - _MOST_ROWS))


def _one_of(names: tuple[str, ...], columns: list[str]) -> str | None:
    return next((column for column in columns if column.lower() in names), None)


def claims(path: PurePath, head: bytes) -> bool:
    """A table with a column of replies."""
    if not path.name.endswith(".table.json") or not head.lstrip().startswith(b'{"columns"'):
        return False
    names = re.findall(rb'"([^"]{1,80})"', head.partition(b"]")[0])
    return any(name.decode("utf-8", "replace").lower() in _REPLIES for name in names)


FORMAT = DocumentFormat(name="W&B table", authority=2, claims=claims, read=read, generations=True)
