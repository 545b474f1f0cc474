"""Conditions a person writes over the columns of a row, as polars SQL expressions: `kl > 15 AND reward < 0`.

A run's directory is written by others, and the SQL of polars can do more than compute: `read_csv('/etc/passwd')` in a subquery
is read while the text is being parsed. So a text is taken apart here first, and only what computes on the columns of its row
reaches polars: numbers, columns, operators and a few functions that look at one row alone. There is no text, no subquery, no
window, no aggregate. Whatever looks at one row alone also gives the same answer however the log was cut into polls.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rldk_tui.errors import RldkError
from rldk_tui.metrics import canonical
from rldk_tui.run import Kind, Rows

if TYPE_CHECKING:
    import polars as pl

LONGEST = 500
"""Characters of an expression."""
DEEPEST = 20
"""Brackets within brackets."""
FUNCTIONS = frozenset(
    {
        "abs",
        "ceil",
        "coalesce",
        "exp",
        "floor",
        "greatest",
        "least",
        "ln",
        "log10",
        "log2",
        "nullif",
        "pow",
        "round",
        "sign",
        "sqrt",
    }
)
STEP = "step"
"""A column that every row has."""

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | "(?P<quoted>[^"\x00-\x1f]+)"
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign><=|>=|<>|!=|==|[-+*/%<>=(),])
    )""",
    re.VERBOSE,
)
_CONSTANTS = frozenset({"true", "false", "null"})
_COMPARISONS = frozenset({"<", ">", "<=", ">=", "=", "==", "!=", "<>"})
_BINARY = _COMPARISONS | {"+", "-", "*", "/", "%", "and", "or", "between", "in"}
_RESERVED = frozenset(
    {
        "all", "and", "any", "array", "as", "between", "by", "case", "cast", "create", "date", "delete", "distinct",
        "drop", "else", "end", "except", "exists", "extract", "false", "from", "group", "having", "in", "insert",
        "intersect", "interval", "is", "join", "like", "limit", "map", "not", "null", "offset", "on", "or", "order",
        "over", "row", "select", "set", "some", "struct", "table", "then", "time", "timestamp", "true", "union", "unnest",
        "update", "using", "values", "when", "where", "window", "with",
    }
)  # fmt: skip


class ExpressionError(RldkError):
    """A text that is no condition over the columns of a row; the message goes on from "expr"."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition over a row.

    Attributes:
        text: As it was written.
        columns: The metrics it reads, by the names written there, each once.
        comparison: Sign and number, if it only compares one column with a number: what can be drawn as a limit.
    """

    text: str
    columns: tuple[str, ...]
    comparison: tuple[str, float] | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Canonical names of the columns."""
        return tuple(dict.fromkeys(canonical(name) for name in self.columns))

    def judge(self, rows: Rows) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """The rows of which it says anything, and what.

        A column is null where the metric was not logged and where None was; NaN is NaN and, as in polars, larger than
        any number. Nothing is said of a row in which none of the columns was logged, or of which the answer is null.
        """
        import polars as pl

        logged = np.zeros(len(rows), np.bool_)
        for name in self.metrics:
            logged |= rows.column(name).present
        at = np.flatnonzero(logged)
        if not at.size:
            return at, np.empty(0, np.bool_)
        columns = {name: _column(rows, name, at) for name in self.columns}
        columns.setdefault(STEP, pl.Series(STEP, rows.steps[at].astype(np.float64)))
        answer = pl.DataFrame(columns).select(_compiled(self.text)).to_series()
        known = answer.is_not_null().to_numpy()
        return at[known], answer.filter(answer.is_not_null()).to_numpy()


def _column(rows: Rows, name: str, at: NDArray[np.intp]) -> pl.Series:
    import polars as pl

    column = rows.column(canonical(name))
    nothing = ~np.isin(column.kinds[at], (Kind.FINITE, Kind.NONFINITE))
    return pl.Series(name, column.values[at]).set(pl.Series(nothing), None)


@cache
def _compiled(text: str) -> pl.Expr:
    """The polars expression of a text that was taken apart before."""
    import polars as pl

    return pl.sql_expr(text)


def expression(text: str) -> Expression:
    """The condition a text states.

    Raises:
        ExpressionError: if it is none.
    """
    if len(text) > LONGEST:
        raise ExpressionError(f"must have at most {LONGEST} characters")
    tokens = list(_tokens(text))
    _check_order(tokens)
    columns = tuple(dict.fromkeys(value for kind, value in tokens if kind == "column"))
    metrics = tuple(name for name in columns if name != STEP)
    if not metrics:
        raise ExpressionError("must compare at least one metric")
    _try(text, columns)
    return Expression(text, metrics, _comparison(tokens))


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """What the text is made of: `number`, `column`, `call` (a function's name), `constant` and `sign` (keywords too)."""
    if "--" in text or "/*" in text:
        raise ExpressionError("may hold no comment (-- and /* begin one)")
    place = 0
    text = text.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            rest = text[place:].lstrip()[:20]
            raise ExpressionError(
                f"computes with numbers, columns, brackets, + - * / % and comparisons alone; {rest!r} is none of them "
                '(a column whose name is no plain word stands in quotes: "rewards/accuracy/mean")'
            )
        place = found.end()
        if found["number"]:
            yield "number", found["number"]
        elif found["quoted"]:
            yield "column", found["quoted"]
        elif found["sign"]:
            yield "sign", found["sign"]
        else:
            yield _word(found["word"], called=text[place:].lstrip().startswith("("))


def _word(word: str, *, called: bool) -> tuple[str, str]:
    """What a word without quotes is."""
    lower = word.lower()
    if lower in ("and", "or", "not", "is", "between", "in"):
        return "sign", lower
    if lower in _CONSTANTS:
        return "constant", lower
    if called and lower not in FUNCTIONS:
        raise ExpressionError(f"knows no function {word!r}; it knows {', '.join(sorted(FUNCTIONS))}")
    if called:
        return "call", lower
    if lower in _RESERVED:
        raise ExpressionError(
            f"computes on columns alone, and {word!r} is a word of SQL; a column of this name stands in quotes"
        )
    return "column", word


def _check_order(tokens: list[tuple[str, str]]) -> None:
    """Values and operators take turns: nothing that does so is a statement.

    Raises:
        ExpressionError: naming the first word out of its place.
    """
    depth, value_next, before = 0, True, ""
    for kind, word in tokens:
        depth += (word == "(" and kind == "sign") - (word == ")" and kind == "sign")
        if not 0 <= depth <= DEEPEST:
            raise ExpressionError("has too many brackets" if depth > 0 else "closes a bracket that was never opened")
        if kind == "sign":
            fits, value_next = _after_sign(word, before, value_next=value_next)
        else:
            fits, value_next = value_next, kind == "call"
        if before == "call" and word != "(":
            fits = False
        if not fits:
            raise ExpressionError(f"has {word!r} where it cannot stand")
        before = kind if kind == "call" else word
    if value_next or depth:
        raise ExpressionError("is not complete")


def _after_sign(word: str, before: str, *, value_next: bool) -> tuple[bool, bool]:
    """Whether a sign may stand here, and whether a value comes next."""
    if word == "(":
        return value_next, True
    if word == ")":
        return not value_next, False
    if word == "not":  # before a value, in IS NOT, NOT BETWEEN and NOT IN
        return True, value_next
    if word == "is":
        return not value_next, True
    if word in ("between", "in"):
        return not value_next, True
    if value_next and word in ("+", "-"):
        return before not in ("+", "-"), True
    return not value_next and (word in _BINARY or word == ","), True


def _try(text: str, columns: tuple[str, ...]) -> None:
    """Have polars read the text and answer it for rows of every kind.

    Raises:
        ExpressionError: with what polars says, if it cannot.
    """
    import polars as pl

    rows = [None, 0.0, 1.0, -1.0, float("nan"), float("inf")]
    frame = pl.DataFrame({name: pl.Series(rows, dtype=pl.Float64) for name in columns})
    try:
        answer = frame.select(_compiled(text)).to_series()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as failure:
        said = str(failure).strip().splitlines() or ["no reason given"]
        raise ExpressionError(f"is refused by polars: {said[0][:200]}") from failure
    if answer.dtype != pl.Boolean:
        raise ExpressionError("must be true or false of a row: compare something")
    if len(answer) != len(rows):
        raise ExpressionError("must be true or false of each row alone")


def _comparison(tokens: list[tuple[str, str]]) -> tuple[str, float] | None:
    """Sign and number of `column sign number`."""
    if [kind for kind, _ in tokens[:2]] != ["column", "sign"] or tokens[1][1] not in _COMPARISONS:
        return None
    sign = -1.0 if tokens[2] == ("sign", "-") else 1.0
    rest = tokens[3:] if tokens[2] in (("sign", "-"), ("sign", "+")) else tokens[2:]
    limit = float(rest[0][1]) if len(rest) == 1 and rest[0][0] == "number" else math.inf
    return (tokens[1][1], sign * limit) if math.isfinite(limit) else None
