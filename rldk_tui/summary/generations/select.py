"""Finds generations in the lazy table of a run: filtered, sorted, whole groups, the same prompts at two steps.

Two passes: the first reads what is filtered and sorted by, and no text that nobody asked about; the second reads the few rows
that are shown. So the memory needed is that of what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from rldk_tui.analysis.generations import why_none
from rldk_tui.analysis.gibberish import BATCHES, TextReference, sampled
from rldk_tui.charts.text import one_line
from rldk_tui.errors import UserError
from rldk_tui.events import Phase
from rldk_tui.ingest.generations_table import scan_generations
from rldk_tui.session import RunSession
from rldk_tui.summary.generations.condition import ConditionError, condition
from rldk_tui.summary.generations.fields import Fields, UnknownFieldError

PLACE = ("step", "phase", "row")
"""Columns that tell one generation from every other of its run."""
GROUP = ("step", "phase", "prompt_hash")
"""Columns that tell one group: the answers to one prompt at one step."""
_TEXTS = ("prompt", "completion")
_BY = "_by"
_SHOWN_OF_TEXT = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which generations, and in what order.

    Attributes:
        where: A condition, as it was written.
        search: A text in the prompt or in the completion, whatever its case.
        steps: First and last step; None is without end.
        prompt: The beginning of a prompt's hash.
        sort: Name of a field; the order of the log if None.
        limit: How many at most; 0 is all.
    """

    where: str | None = None
    search: str | None = None
    steps: tuple[int | None, int | None] = (None, None)
    phase: str | None = None
    prompt: str | None = None
    sort: str | None = None
    descending: bool = False
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Selected:
    """What was found.

    Attributes:
        frame: The rows to show, in order.
        matching: How many fit before the limit.
        without_key: How many of those have no value of the field they are sorted by; they stand last.
    """

    frame: pl.DataFrame
    matching: int
    without_key: int = 0


def open_generations(run: Path) -> pl.LazyFrame:
    """The table of a run's generations.

    Raises:
        UserError: if it has none.
    """
    frame = scan_generations(run)
    if frame.select("step").head(1).collect().is_empty():
        why = why_none(RunSession.open(run).poll().snapshot.info.algorithm)
        message = f"{one_line(run.resolve().name, _SHOWN_OF_TEXT)} has no generations on record."
        raise UserError(message, "Its trainer samples nothing." if why is None else why.replace("`", ""))
    return frame


def filtered(frame: pl.LazyFrame, selection: Selection) -> pl.LazyFrame:
    """The rows that fit, in the order of the log.

    Raises:
        UserError: if the condition or a field cannot be understood, or if no prompt has the hash.
    """
    first, last = selection.steps
    if first is not None:
        frame = frame.filter(pl.col("step") >= first)
    if last is not None:
        frame = frame.filter(pl.col("step") <= last)
    if selection.phase is not None:
        frame = frame.filter(pl.col("phase") == selection.phase)
    if selection.prompt is not None:
        frame = frame.filter(pl.col("prompt_hash").str.starts_with(selection.prompt.lower()))
    if selection.where is not None:
        frame = frame.filter(_condition(selection.where, _fields(frame)))
    if selection.search is not None:
        wanted = selection.search.lower()
        frame = frame.filter(pl.any_horizontal(_lower(name).str.contains(wanted, literal=True) for name in _TEXTS))
    return frame


def _lower(name: str) -> pl.Expr:
    return pl.col(name).str.to_lowercase()


def select(frame: pl.LazyFrame, selection: Selection) -> Selected:
    """The rows that fit, in the order asked for; ties in the order of the log.

    Raises:
        UserError: as `filtered`.
    """
    keys, without = _keys(frame, selection)
    shown = keys.head(selection.limit) if selection.limit else keys
    return Selected(_rows(frame, shown, PLACE), keys.height, without)


def select_groups(frame: pl.LazyFrame, selection: Selection) -> Selected:
    """The whole groups of the rows that fit, a group where its first row stands; `limit` counts groups.

    Raises:
        UserError: as `filtered`.
    """
    keys, without = _keys(frame, selection)
    groups = keys.unique(GROUP, keep="first", maintain_order=True)
    shown = groups.head(selection.limit) if selection.limit else groups
    return Selected(_rows(frame, shown, GROUP), groups.height, without)


def select_pairs(frame: pl.LazyFrame, selection: Selection, steps: tuple[int, int]) -> tuple[list[tuple[str, str]], Selected]:
    """The rows of the prompts that were answered at both steps; `limit` counts prompts.

    Returns:
        (hash, phase) of each of these prompts, and their rows of both steps.

    Raises:
        UserError: as `filtered`, and if a step has no generations or the two share no prompt.
    """
    both = filtered(frame.filter(pl.col("step").is_in(sorted(set(steps)))), selection)
    keys = both.select(*PLACE, "prompt_hash").collect()
    for step in steps:
        if keys.filter(pl.col("step") == step).is_empty():
            raise UserError(f"No generation of step {step} fits.", _steps_hint(frame))
    prompts = keys.group_by("prompt_hash", "phase", maintain_order=True).agg(pl.col("step").n_unique())
    shared = prompts.filter(pl.col("step") == len(set(steps))).select("prompt_hash", "phase")
    if shared.is_empty():
        raise UserError(f"Steps {steps[0]} and {steps[1]} share no prompt.", _pairs_hint(frame))
    shown = shared.head(selection.limit) if selection.limit else shared
    wanted = keys.join(shown, on=["prompt_hash", "phase"], how="semi", maintain_order="left")
    return list(shown.iter_rows()), Selected(_rows(frame, wanted, PLACE), shared.height)


def _keys(frame: pl.LazyFrame, selection: Selection) -> tuple[pl.DataFrame, int]:
    """Where the rows that fit lie, sorted, and how many have nothing to be sorted by."""
    fitting = filtered(frame, selection)
    if selection.sort is None:
        return fitting.select(*PLACE, "prompt_hash").collect(), 0
    by = _field_of(selection.sort, _fields(frame))
    keys = fitting.select(*PLACE, "prompt_hash", by.alias(_BY)).collect()
    ranked = keys.sort(_BY, descending=selection.descending, nulls_last=True, maintain_order=True)
    return ranked.drop(_BY), keys[_BY].null_count()


def _rows(frame: pl.LazyFrame, keys: pl.DataFrame, on: tuple[str, ...]) -> pl.DataFrame:
    """The rows of these keys, in their order."""
    wanted = keys.select(on).with_row_index("_order")
    steps = wanted["step"].unique().sort().to_list()
    near = frame.filter(pl.col("step").is_in(steps)).join(wanted.lazy(), on=list(on), how="inner")
    return near.collect().sort("_order", "row").drop("_order")


def _fields(frame: pl.LazyFrame) -> Fields:
    return Fields(frame.collect_schema(), lambda: _reference(frame).disorder)


def _reference(frame: pl.LazyFrame) -> TextReference:
    """What the run's text is made of, by the generations of its first steps."""
    reference = TextReference()
    of_training = frame.filter(pl.col("phase") == Phase.TRAIN)
    steps = of_training.select("step").unique().sort("step").collect()["step"].to_list()
    for first in range(0, len(steps), BATCHES):
        batches = of_training.filter(pl.col("step").is_in(steps[first : first + BATCHES])).select("step", *_TEXTS).collect()
        for (step,), batch in batches.group_by("step", maintain_order=True):
            if not reference.learning:
                return reference
            rows = batch[sampled(batch.height)]
            reference.add(float(str(step)), rows["prompt"].unique(maintain_order=True).to_list(), rows["completion"].to_list())
    return reference


def _field_of(name: str, fields: Fields) -> pl.Expr:
    try:
        return fields[name].value
    except UnknownFieldError as failure:
        near = f"Did you mean {' or '.join(failure.near)}? " if failure.near else ""
        raise UserError(f"There is no field {one_line(name, _SHOWN_OF_TEXT)!r}.", near + fields.told()) from failure


def _condition(text: str, fields: Fields) -> pl.Expr:
    try:
        return condition(text, fields)
    except ConditionError as failure:
        more = f"\n  {fields.told()}" if failure.unknown else ""
        message = f"The condition cannot be read at column {failure.at + 1}: {one_line(failure.said, 300)}."
        raise UserError(message, pointed(text, failure.at) + more) from failure


def pointed(text: str, at: int) -> str:
    """The text on one line and below it a mark at one of its places; of a long text, what lies around that place."""
    from rich.cells import cell_len

    start = max(0, at - 50)
    before, after = one_line(text[start:at]), one_line(text[at : at + 25])
    lead = "…" if start else ""
    return f"{lead}{before}{after}\n  {' ' * cell_len(lead + before)}^"


def not_logged(frame: pl.LazyFrame, where: str) -> tuple[str, ...]:
    """What a condition reads that no generation has on record: it is true of none."""
    columns = sorted(set(_condition(where, _fields(frame)).meta.root_names()))
    counts = frame.select(pl.col(columns).count()).collect().row(0, named=True) if columns else {}
    return tuple(name for name, amount in counts.items() if not amount)


def _pairs_hint(frame: pl.LazyFrame) -> str:
    """Two steps far apart that do."""
    of_prompt = frame.group_by("prompt_hash", "phase").agg(
        pl.col("step").min().alias("first"), pl.col("step").max().alias("last")
    )
    pairs = of_prompt.group_by("first", "last").len().sort(pl.col("last") - pl.col("first"), "len", "first", descending=True)
    first, last, prompts = pairs.collect().row(0)
    if first == last:
        return "No prompt was answered at two steps of this run."
    return f"{prompts} prompt{'' if prompts == 1 else 's'} of this run can be compared with --diff {first} {last}."


def _steps_hint(frame: pl.LazyFrame) -> str:
    first, last, steps = (
        frame.select(
            pl.col("step").min().alias("first"), pl.col("step").max().alias("last"), pl.col("step").n_unique().alias("steps")
        )
        .collect()
        .row(0)
    )
    return f"Generations of {steps} steps are on record, from step {first} to {last}."
