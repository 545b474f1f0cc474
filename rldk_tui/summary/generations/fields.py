"""What can be asked of a generation: its columns by the names people write, and what is computed of its text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeAlias

import polars as pl

from rldk_tui.analysis.generations import repetition
from rldk_tui.charts.text import one_line
from rldk_tui.statistics.windows import Floats

REWARDS = "rewards/"
"""Begins the column of a reward function."""
_LONGEST = 200_000
"""Characters of a text whose repetition is measured."""
_COMPLETION = "completion"
DISORDER = "disorder"
Disorder: TypeAlias = Callable[[Sequence[str]], Floats]


class FieldKind(StrEnum):
    """What a value can be compared with."""

    NUMBER = "a number"
    TEXT = "a text"
    FLAG = "true or false"


@dataclass(frozen=True, slots=True)
class Field:
    """One thing to filter and sort by.

    Attributes:
        name: As it is written.
        raw: Its value as the log has it: null where it was not logged, NaN where NaN was.
    """

    name: str
    kind: FieldKind
    raw: pl.Expr

    @property
    def value(self) -> pl.Expr:
        """Its value to compare and sort by: NaN is no value, as it is neither small nor large."""
        return self.raw.cast(pl.Float64).fill_nan(None) if self.kind is FieldKind.NUMBER else self.raw


class UnknownFieldError(KeyError):
    """No field of this name; `near` are names like it."""

    def __init__(self, name: str, near: tuple[str, ...]) -> None:
        super().__init__(name)
        self.name = name
        self.near = near


class Fields:
    """The fields of one run's generations."""

    def __init__(self, schema: Mapping[str, pl.DataType], disorder: Callable[[], Disorder] | None = None) -> None:
        """Collect them.

        Args:
            schema: The columns.
            disorder: Makes what tells of texts how far they are from being any (`analysis.gibberish`); asked if that is asked
                for, since it takes reading.
        """
        self._fields: dict[str, Field] = {}
        self._short: dict[str, str] = {}
        for column, kind in schema.items():
            self._add(column, _kind(kind))
        if _COMPLETION in schema:
            text = pl.col(_COMPLETION)
            self._put(Field("characters", FieldKind.NUMBER, text.str.len_chars()))
            self._put(Field("words", FieldKind.NUMBER, text.str.count_matches(r"\S+")))
            self._put(Field("repetition", FieldKind.NUMBER, text.map_batches(_repetitions, return_dtype=pl.Float64)))
        self._disorder = disorder if _COMPLETION in schema else None

    def __getitem__(self, name: str) -> Field:
        """The field of this name; a reward function's by `rewards.name`, `rewards/name`, or its name alone.

        Raises:
            UnknownFieldError: if there is none.
        """
        if name == DISORDER and name not in self._fields and self._disorder is not None:
            disorder = self._disorder()
            told = pl.col(_COMPLETION).map_batches(lambda texts: _disorders(texts, disorder), return_dtype=pl.Float64)
            self._put(Field(name, FieldKind.NUMBER, told))
        known = self._fields.get(name) or self._fields.get(self._short.get(name, name))
        if known is None and name.startswith("rewards."):
            known = self._fields.get(REWARDS + name.removeprefix("rewards."))
        if known is None:
            known_names = dict.fromkeys((*self.names(), *self._short))
            raise UnknownFieldError(name, tuple(get_close_matches(name, known_names, n=2)))
        return known

    def names(self) -> tuple[str, ...]:
        """Every field, as it is best written."""
        late = () if self._disorder is None or DISORDER in self._fields else (DISORDER,)
        return (*(_written(name) for name in self._fields), *late)

    def told(self) -> str:
        """All of them in one sentence of a hint."""
        return f"The fields are {', '.join(self.names())}."

    def _add(self, column: str, kind: FieldKind) -> None:
        self._put(Field(column, kind, pl.col(column)))
        if column.startswith(REWARDS):
            self._short.setdefault(column.removeprefix(REWARDS), column)

    def _put(self, field: Field) -> None:
        self._fields.setdefault(field.name, field)


def _kind(dtype: pl.DataType) -> FieldKind:
    if dtype.is_numeric():
        return FieldKind.NUMBER
    return FieldKind.FLAG if dtype == pl.Boolean else FieldKind.TEXT


def _written(column: str) -> str:
    short = column.removeprefix(REWARDS)
    if short == column:
        return column
    return f"rewards.{short}" if short.isidentifier() and short.isascii() else f'"{one_line(column, 80)}"'


def _repetitions(texts: pl.Series) -> pl.Series:
    return pl.Series(texts.name, _measured(texts), dtype=pl.Float64)


def _disorders(texts: pl.Series, disorder: Disorder) -> pl.Series:
    return pl.Series(texts.name, disorder([text or "" for text in texts]), dtype=pl.Float64)


def _measured(texts: Iterable[str | None]) -> list[float | None]:
    return [None if text is None else repetition(text[:_LONGEST].split()) for text in texts]
