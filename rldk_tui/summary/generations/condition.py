"""Conditions a person writes over generations: `reward < 0.1 and truncated`, `contains(completion, 'sorry')`.

The language is that of a user rule's `expr` (`diagnosis.expressions`) with what texts need, and it is read here into polars
expressions term by term: nothing of what was written is evaluated, and every error names its column. Patterns are those of
Rust's `regex`, which answers in time that grows with the text alone, whatever the pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from rldk_tui.errors import RldkError
from rldk_tui.summary.generations.fields import FieldKind, Fields, UnknownFieldError

LONGEST = 1000
"""Characters of a condition."""
LONGEST_PATTERN = 200
"""Characters of a regular expression."""
DEEPEST = 20
"""Brackets and `not`s within one another."""

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | '(?P<text>(?:[^']|'')*)'
    | "(?P<quoted>[^"]+)"
    | (?P<word>[^\W\d]\w*(?:\.[^\W\d]\w*)*)
    | (?P<sign><=|>=|<>|!=|==|[-+*/%<>=(),])
    """,
    re.VERBOSE,
)
_COMPARE: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "<": pl.Expr.lt,
    "<=": pl.Expr.le,
    ">": pl.Expr.gt,
    ">=": pl.Expr.ge,
    "=": pl.Expr.eq,
    "==": pl.Expr.eq,
    "!=": pl.Expr.ne,
    "<>": pl.Expr.ne,
}
_ORDER = frozenset({"<", "<=", ">", ">="})
_ADD: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {"+": pl.Expr.add, "-": pl.Expr.sub}
_MULTIPLY: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {"*": pl.Expr.mul, "/": pl.Expr.truediv, "%": pl.Expr.mod}
_KEYWORDS = frozenset({"and", "or", "not", "is", "in", "null", "none", "true", "false"})
_FUNCTIONS = {
    "contains": "contains(FIELD, 'text')",
    "startswith": "startswith(FIELD, 'text')",
    "endswith": "endswith(FIELD, 'text')",
    "matches": "matches(FIELD, 'regular expression')",
    "isnan": "isnan(FIELD)",
    "abs": "abs(NUMBER)",
}


class ConditionError(RldkError):
    """A text that is no condition.

    Attributes:
        at: Where in the text, counted from 0.
        said: What is wrong there.
        unknown: Whether a field was named that is not there.
    """

    def __init__(self, said: str, at: int, *, unknown: bool = False) -> None:
        super().__init__(said)
        self.said = said
        self.at = at
        self.unknown = unknown


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class _Term:
    """What a part of the text computes, and where it begins."""

    expr: pl.Expr
    kind: FieldKind
    at: int


def condition(text: str, fields: Fields) -> pl.Expr:
    """The rows for which the text is true; a comparison with what was not logged is not.

    Raises:
        ConditionError: if it is no condition over these fields.
    """
    if len(text) > LONGEST:
        raise ConditionError(f"it has more than {LONGEST} characters", LONGEST)
    return _Reader(text, fields).read()


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise ConditionError(_meaningless(text[place]), place)
        kind = found.lastgroup or ""
        if kind != "space":
            yield _Token(kind, found[kind], place)
        place = found.end()
    yield _Token("end", "", len(text.rstrip()))


def _meaningless(sign: str) -> str:
    if sign in "'\"":
        return "a quotation that does not end"
    return "no number and no field begins like this" if sign.isdigit() else f"{sign!r} means nothing here"


class _Reader:
    """Reads a condition from left to right."""

    def __init__(self, text: str, fields: Fields) -> None:
        self._fields = fields
        self._tokens = list(_tokens(text))
        self._place = 0
        self._depth = 0

    def read(self) -> pl.Expr:
        whole = self._any_of()
        if self._here.kind != "end":
            raise self._unexpected("and, or, a comparison or the end")
        return self._flag(whole, "a condition is true or false of a generation: compare something").expr

    @property
    def _here(self) -> _Token:
        return self._tokens[self._place]

    def _take(self) -> _Token:
        token = self._here
        self._place += 1
        return token

    def _word(self, *words: str) -> bool:
        """Take one of these words if it is the next."""
        if self._here.kind == "word" and self._here.text.lower() in words:
            self._place += 1
            return True
        return False

    def _sign(self, sign: str) -> bool:
        if self._here.kind == "sign" and self._here.text == sign:
            self._place += 1
            return True
        return False

    def _need(self, sign: str) -> None:
        if not self._sign(sign):
            raise self._unexpected(repr(sign))

    def _unexpected(self, wanted: str) -> ConditionError:
        token = self._here
        met = "the end" if token.kind == "end" else repr(token.text[:30])
        return ConditionError(f"{wanted} was expected, not {met}", token.at)

    def _flag(self, term: _Term, otherwise: str) -> _Term:
        if term.kind is not FieldKind.FLAG:
            raise ConditionError(otherwise, term.at)
        return term

    def _any_of(self) -> _Term:
        term = self._all_of()
        while self._word("or"):
            both = "`or` stands between two conditions"
            right = self._flag(self._all_of(), both)
            term = _Term(self._flag(term, both).expr | right.expr, FieldKind.FLAG, term.at)
        return term

    def _all_of(self) -> _Term:
        term = self._negation()
        while self._word("and"):
            both = "`and` stands between two conditions"
            right = self._flag(self._negation(), both)
            term = _Term(self._flag(term, both).expr & right.expr, FieldKind.FLAG, term.at)
        return term

    def _negation(self) -> _Term:
        at = self._here.at
        if not self._word("not"):
            return self._comparison()
        self._deeper(at)
        term = self._flag(self._negation(), "`not` stands before a condition")
        self._depth -= 1
        return _Term(~term.expr, FieldKind.FLAG, at)

    def _deeper(self, at: int) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ConditionError(f"more than {DEEPEST} brackets within one another", at)

    def _comparison(self) -> _Term:
        left = self._sum()
        if self._here.kind == "sign" and self._here.text in _COMPARE:
            sign = self._take()
            right = self._same(left, self._sum())
            if left.kind is FieldKind.FLAG and sign.text in _ORDER:
                raise ConditionError("true and false are not larger or smaller", sign.at)
            return _Term(_COMPARE[sign.text](left.expr, right.expr), FieldKind.FLAG, left.at)
        if self._word("is"):
            negated = self._word("not")
            if not self._word("null", "none"):
                raise self._unexpected("null")
            return _Term(left.expr.is_not_null() if negated else left.expr.is_null(), FieldKind.FLAG, left.at)
        return self._membership(left)

    def _membership(self, left: _Term) -> _Term:
        before = self._place
        negated = self._word("not")
        if not self._word("in"):
            self._place = before
            return left
        self._need("(")
        found = left.expr.eq(self._same(left, self._sum()).expr)
        while self._sign(","):
            found = found | left.expr.eq(self._same(left, self._sum()).expr)
        self._need(")")
        return _Term(~found if negated else found, FieldKind.FLAG, left.at)

    def _same(self, left: _Term, right: _Term) -> _Term:
        if left.kind is not right.kind:
            raise ConditionError(f"{left.kind.value} is compared with {right.kind.value}", right.at)
        return right

    def _sum(self) -> _Term:
        return self._chain(_ADD, lambda: self._chain(_MULTIPLY, self._signed))

    def _chain(self, signs: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]], part: Callable[[], _Term]) -> _Term:
        term = part()
        while self._here.kind == "sign" and self._here.text in signs:
            sign = self._take()
            right = self._number(part())
            computed = signs[sign.text](self._number(term).expr, right.expr)
            term = _Term(computed.fill_nan(None), FieldKind.NUMBER, term.at)
        return term

    def _number(self, term: _Term) -> _Term:
        if term.kind is not FieldKind.NUMBER:
            raise ConditionError("only numbers are computed with", term.at)
        return term

    def _signed(self) -> _Term:
        at = self._here.at
        if self._sign("-"):
            self._deeper(at)
            term = self._number(self._signed())
            self._depth -= 1
            return _Term(-term.expr, FieldKind.NUMBER, at)
        return self._value()

    def _value(self) -> _Term:
        token = self._here
        if token.kind == "number":
            self._place += 1
            return _Term(pl.lit(float(token.text)), FieldKind.NUMBER, token.at)
        if token.kind == "text":
            return _Term(pl.lit(self._text()), FieldKind.TEXT, token.at)
        if self._sign("("):
            self._deeper(token.at)
            term = self._any_of()
            self._need(")")
            self._depth -= 1
            return term
        if self._word("true", "false"):
            return _Term(pl.lit(token.text.lower() == "true"), FieldKind.FLAG, token.at)
        called = self._tokens[self._place + 1 : self._place + 2]
        if token.kind == "word" and called and called[0].text == "(" and token.text.lower() not in _KEYWORDS:
            return self._call()
        return self._field()

    def _text(self) -> str:
        if self._here.kind != "text":
            raise self._unexpected("a text in single quotes")
        return self._take().text.replace("''", "'")

    def _field(self, *, raw: bool = False) -> _Term:
        token = self._here
        if token.kind not in ("word", "quoted") or (token.kind == "word" and token.text.lower() in _KEYWORDS):
            raise self._unexpected("a field, a number, a text in single quotes or a bracket")
        try:
            field = self._fields[token.text]
        except UnknownFieldError as failure:
            near = f" (near: {' or '.join(failure.near)})" if failure.near else ""
            raise ConditionError(f"there is no field {token.text[:80]!r}{near}", token.at, unknown=True) from failure
        self._place += 1
        return _Term(field.raw if raw else field.value, field.kind, token.at)

    def _call(self) -> _Term:
        token = self._take()
        name = token.text.lower()
        if name not in _FUNCTIONS:
            known = ", ".join(_FUNCTIONS.values())
            raise ConditionError(f"there is no function {token.text[:80]!r}; there are {known}", token.at)
        self._need("(")
        if name == "abs":
            inner = self._number(self._sum())
            self._need(")")
            return _Term(inner.expr.abs(), FieldKind.NUMBER, token.at)
        asked = self._field(raw=True)
        if name == "isnan":
            self._need(")")
            return _Term(self._number(asked).expr.cast(pl.Float64).is_nan(), FieldKind.FLAG, token.at)
        if asked.kind is not FieldKind.TEXT:
            raise ConditionError(f"{name} looks into a text, such as completion", asked.at)
        self._need(",")
        at, wanted = self._here.at, self._text()
        self._need(")")
        return _Term(_looked_for(name, asked.expr, wanted, at), FieldKind.FLAG, token.at)


def _looked_for(name: str, text: pl.Expr, wanted: str, at: int) -> pl.Expr:
    if name == "contains":
        return text.str.contains(wanted, literal=True)
    if name == "startswith":
        return text.str.starts_with(wanted)
    if name == "endswith":
        return text.str.ends_with(wanted)
    if len(wanted) > LONGEST_PATTERN:
        raise ConditionError(f"a regular expression has at most {LONGEST_PATTERN} characters", at)
    try:
        pl.Series([""]).str.contains(wanted)
    except pl.exceptions.PolarsError as failure:
        raise ConditionError(f"no regular expression: {_regex_fault(str(failure))}", at) from failure
    return text.str.contains(wanted)


def _regex_fault(said: str) -> str:
    """What is wrong with it, of all that polars says."""
    lines = said.splitlines() or ["it cannot be read"]
    told = next((line for line in lines if line.startswith("error: ")), lines[0])
    return told.removeprefix("error: ").removeprefix("regex error: ").rstrip(".")[:160]
