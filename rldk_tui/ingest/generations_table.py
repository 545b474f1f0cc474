"""Every generation of a run as one lazy table, whatever it was recorded in.

The rows are those a snapshot would show: of two sources that tell of the same step and phase the more trusted one is
believed, of two events of one source the later. Only names and steps are read when the table is planned; texts are read file
by file when it is collected, so a filter on it holds no more of the run in memory than one file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from rldk_tui.events import Completions, Phase
from rldk_tui.ingest.discovery import Discovery, Found
from rldk_tui.ingest.recorded import recorded_in

if TYPE_CHECKING:
    import polars as pl

_Key = tuple[int, Phase]
_MARK = 6
"""Bytes of a prompt's hash, as 12 hexadecimal digits."""


@dataclass(slots=True)
class _Plan:
    """What the table will hold: the reward functions ever named, and which event of which file tells of a step."""

    files: list[Found] = field(default_factory=list)
    names: dict[str, None] = field(default_factory=dict)
    told_by: dict[_Key, tuple[int, int, int]] = field(default_factory=dict)

    def holds(self, event: Completions, file: int, place: int) -> bool:
        return self.told_by.get((event.step, event.phase), (0, -1, -1))[1:] == (file, place)


def scan_generations(run: Path) -> pl.LazyFrame:
    """All generations of a run directory, step by step within each file.

    Columns: `step`, `phase` ("train", "eval"), `row` (its place in its step, as findings name it: step/row), `prompt`,
    `completion`, `reward` (the sum over the reward functions that scored it; null if none did), `rewards/<name>` for each
    reward function that any file names (null where a file does not), `advantage`, `length` (tokens, null where not told),
    `truncated`, `prompt_hash` (12 hexadecimal digits), `source` (path in the run). Files that cannot be read are left out.
    """
    from polars.io.plugins import register_io_source

    root = run.resolve()

    @cache
    def plan() -> _Plan:
        return _planned(root)

    def frames(
        columns: list[str] | None, predicate: pl.Expr | None, most: int | None, _batch: int | None
    ) -> Iterator[pl.DataFrame]:
        left = most
        for frame in _frames(root, plan()):
            shown = frame if predicate is None else frame.filter(predicate)
            shown = shown if columns is None else shown.select(columns)
            shown = shown if left is None else shown.head(left)
            yield shown
            left = None if left is None else left - shown.height
            if left == 0:
                return

    return register_io_source(frames, schema=lambda: _schema(tuple(plan().names)))


def prompt_hash(prompt: str) -> str:
    """A mark by which the same prompt is known again: 12 hexadecimal digits of its BLAKE2b."""
    return blake2b(prompt.encode("utf-8", "surrogatepass"), digest_size=_MARK).hexdigest()


def _planned(root: Path) -> _Plan:
    plan = _Plan(files=[found for found in Discovery(root).look() if found.format.generations])
    for file, found in enumerate(plan.files):
        for place, event in enumerate(recorded_in(root / found.path, found.path, found.format)):
            key = event.step, event.phase
            if found.format.authority >= plan.told_by.get(key, (0, -1, -1))[0]:
                plan.told_by[key] = found.format.authority, file, place
            plan.names.update(dict.fromkeys(name for row in event.rows for name in row.rewards))
    return plan


def _frames(root: Path, plan: _Plan) -> Iterator[pl.DataFrame]:
    for file, found in enumerate(plan.files):
        for place, event in enumerate(recorded_in(root / found.path, found.path, found.format)):
            if event.rows and plan.holds(event, file, place):
                yield frame_of(event, str(found.path), tuple(plan.names))


def frame_of(event: Completions, source: str, names: tuple[str, ...]) -> pl.DataFrame:
    """One event's rows as a table; `names` are the reward functions that get a column."""
    import polars as pl

    rows = event.rows
    marks = {prompt: prompt_hash(prompt) for prompt in {row.prompt for row in rows}}
    rewards = {f"rewards/{name}": [row.rewards.get(name) for row in rows] for name in names}
    columns = {
        "step": [event.step] * len(rows),
        "phase": [event.phase.value] * len(rows),
        "row": range(len(rows)),
        "prompt": [_valid(row.prompt) for row in rows],
        "completion": [_valid(row.completion) for row in rows],
        "reward": [row.total_reward for row in rows],
        **rewards,
        "advantage": [row.advantage for row in rows],
        "length": [row.length for row in rows],
        "truncated": [row.truncated for row in rows],
        "prompt_hash": [marks[row.prompt] for row in rows],
        "source": [source] * len(rows),
    }
    return pl.DataFrame(columns, schema=_schema(names))


def _valid(text: str) -> str:
    """The text with halves of surrogate pairs, which no table can hold, replaced."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def _schema(names: tuple[str, ...]) -> pl.Schema:
    import polars as pl

    return pl.Schema(
        {
            "step": pl.Int64,
            "phase": pl.String,
            "row": pl.Int64,
            "prompt": pl.String,
            "completion": pl.String,
            "reward": pl.Float64,
            **{f"rewards/{name}": pl.Float64 for name in names},
            "advantage": pl.Float64,
            "length": pl.Int64,
            "truncated": pl.Boolean,
            "prompt_hash": pl.String,
            "source": pl.String,
        }
    )
