"""Every generation of a run as one lazy table, whatever it was recorded in.

The rows are those a snapshot would show: of two sources that tell of the same step and phase the more trusted one is
believed, of two events of one source the later. When the table is planned every file is read once and all but the texts is
kept, some 100 bytes a row: what asks for no text is answered from that, and what asks for texts reads only the files that hold
rows it wants, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
_TEXTS = ("prompt", "completion")
_PLACE = {"_file": int, "_place": int}
"""Where an event lies, beside its rows while the table is planned."""
_AT_ONCE = 8192
"""Rows that become a table at once."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the table will hold.

    Attributes:
        files: Those that record generations.
        names: The reward functions ever named.
        told_by: Which event of which file tells of a step: authority, index of the file, place in it.
        numbers: All rows, without their texts.
    """

    files: tuple[Found, ...]
    names: tuple[str, ...]
    told_by: Mapping[_Key, tuple[int, int, int]]
    numbers: pl.DataFrame

    def holding(self, predicate: pl.Expr | None) -> dict[int, set[int]]:
        """The files, and the places in them, that hold rows of which the predicate may be true."""
        wanted: Iterable[_Key] = self.told_by
        if predicate is not None and not set(predicate.meta.root_names()) & set(_TEXTS):
            rows = self.numbers.filter(predicate).select("step", "phase").unique().iter_rows()
            wanted = [(step, Phase(phase)) for step, phase in rows]
        places: dict[int, set[int]] = {}
        for key in wanted:
            _, file, place = self.told_by[key]
            places.setdefault(file, set()).add(place)
        return dict(sorted(places.items()))


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
        for frame in _frames(root, plan(), columns, predicate):
            shown = frame if predicate is None else frame.filter(predicate)
            shown = shown if columns is None else shown.select(columns)
            shown = shown if left is None else shown.head(left)
            yield shown
            left = None if left is None else left - shown.height
            if left == 0:
                return

    return register_io_source(frames, schema=lambda: _schema(plan().names))


def prompt_hash(prompt: str) -> str:
    """A mark by which the same prompt is known again: 12 hexadecimal digits of its BLAKE2b."""
    return blake2b(prompt.encode("utf-8", "surrogatepass"), digest_size=_MARK).hexdigest()


def _planned(root: Path) -> _Plan:
    import polars as pl

    files = tuple(found for found in Discovery(root).look() if found.format.generations)
    names: dict[str, None] = {}
    told_by: dict[_Key, tuple[int, int, int]] = {}
    frames: list[pl.DataFrame] = []
    pending: list[tuple[int, int, Completions]] = []

    def tabulate() -> None:
        frames.append(_numbers_of(pending, files))
        pending.clear()

    events = 0
    for file, place, event in _recorded(root, files):
        key, authority = (event.step, event.phase), files[file].format.authority
        names.update(dict.fromkeys(name for row in event.rows for name in row.rewards))
        if authority < told_by.get(key, (0, -1, -1))[0]:
            continue
        told_by[key] = authority, file, place
        pending.append((file, place, event))
        events += 1
        if sum(len(one.rows) for _, _, one in pending) >= _AT_ONCE:
            tabulate()
    tabulate()
    schema = pl.Schema({name: kind for name, kind in _schema(tuple(names)).items() if name not in _TEXTS})
    together = pl.concat([pl.DataFrame(schema={**schema, **_PLACE}), *frames], how="diagonal")
    if events > len(told_by):  # a step that was told of twice: the last word counts
        kept = pl.DataFrame([told[1:] for told in told_by.values()], schema=_PLACE, orient="row")
        together = together.join(kept, on=list(_PLACE), how="semi", maintain_order="left")
    return _Plan(files, tuple(names), told_by, together.select(list(schema)))


def _recorded(root: Path, files: tuple[Found, ...]) -> Iterator[tuple[int, int, Completions]]:
    for file, found in enumerate(files):
        for place, event in enumerate(recorded_in(root / found.path, found.path, found.format)):
            yield file, place, event


def _numbers_of(events: list[tuple[int, int, Completions]], files: tuple[Found, ...]) -> pl.DataFrame:
    """Everything but the texts of several events, with where each of them lies."""
    import polars as pl

    names = tuple(dict.fromkeys(name for _, _, event in events for row in event.rows for name in row.rewards))
    frame = frame_of([(event, str(files[file].path)) for file, _, event in events], names, texts=False)
    places = {name: [at[index] for *at, event in events for _ in event.rows] for index, name in enumerate(_PLACE)}
    return frame.with_columns(pl.Series(name, values, pl.Int64) for name, values in places.items())


def _frames(root: Path, plan: _Plan, columns: list[str] | None, predicate: pl.Expr | None) -> Iterator[pl.DataFrame]:
    """The rows of which the predicate may be true, with at least the columns that are asked for."""
    asked = None if columns is None else {*columns, *(predicate.meta.root_names() if predicate is not None else ())}
    if asked is not None and not asked & set(_TEXTS):
        yield plan.numbers
        return
    for file, places in plan.holding(predicate).items():
        found = plan.files[file]
        for place, event in enumerate(recorded_in(root / found.path, found.path, found.format)):
            if event.rows and place in places:
                yield frame_of([(event, str(found.path))], plan.names)


def frame_of(events: Sequence[tuple[Completions, str]], names: tuple[str, ...], *, texts: bool = True) -> pl.DataFrame:
    """The rows of events as one table, with or without their texts; `names` are the reward functions that get a column."""
    import polars as pl

    rows = [row for event, _ in events for row in event.rows]
    each = [(event, source, at) for event, source in events for at in range(len(event.rows))]
    marks = {prompt: prompt_hash(prompt) for prompt in {row.prompt for row in rows}}
    rewards = {f"rewards/{name}": [row.rewards.get(name) for row in rows] for name in names}
    columns = {
        "step": [event.step for event, _, _ in each],
        "phase": [event.phase.value for event, _, _ in each],
        "row": [at for _, _, at in each],
        **({name: [_valid(getattr(row, name)) for row in rows] for name in _TEXTS} if texts else {}),
        "reward": [row.total_reward for row in rows],
        **rewards,
        "advantage": [row.advantage for row in rows],
        "length": [row.length for row in rows],
        "truncated": [row.truncated for row in rows],
        "prompt_hash": [marks[row.prompt] for row in rows],
        "source": [source for _, source, _ in each],
    }
    schema = {name: kind for name, kind in _schema(names).items() if name in columns}
    return pl.DataFrame(columns, schema=schema)


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
