"""How a rule is written.

A rule is a module of `diagnosis/rules/` with a constant `RULE`. Its docstring is its manual, under the headings
`MANUAL_HEADINGS`. There are two kinds:

* `RowRule` walks the log rows. `watch` gets the rows that are new and what it kept of the earlier ones, and says of each
  row that concerns it whether it is in trouble; what it says of a row depends on rows up to it only. The engine makes
  episodes of that.
* `StateRule` looks at what the run as a whole is doing now (`judge`); only such a rule may depend on the current time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows, RunInfo, RunSnapshot
from rldk_tui.scoring import Family as Family

MANUAL_HEADINGS = ("What it means", "Why it happens", "What to do", "Where the limit comes from")
"""Every rule's docstring has these, each followed by text."""

Past = TypeVar("Past")


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may know beside the rows.

    Attributes:
        info: Facts of the launch the rows belong to.
        scope: What this walk is about: the metric's canonical name.
    """

    info: RunInfo
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Generic[Past]):
    """What a rule says of the rows that concern it; all arrays have one entry for each of those.

    Attributes:
        at: Indices of these rows in the rows given, rising. Rows left out say nothing: they neither open nor close.
        breach: Whether the row by itself is beyond the limit; an episode's onset is the first such row of the window
            that opened it.
        level: `Severity.rank` of the trouble the run is in at this row, persistence included; 0 is none.
        value: What was compared with the limit (a median, a share), for the peak.
        limit: What it was compared with.
        past: What the next call needs.
        facts: Whatever else `tell` should know of the row at which an episode opens, by name; NaN where unknown.
    """

    at: NDArray[np.intp]
    breach: NDArray[np.bool_]
    level: NDArray[np.int8]
    value: NDArray[np.float64]
    limit: NDArray[np.float64]
    past: Past
    facts: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One stretch of trouble, as `tell` gets it.

    Attributes:
        first_step: Where the trouble began: the first row beyond the limit of the window that opened the episode.
        detected_step: The row at which it could first be known.
        last_step: The last row in trouble.
        rows: How many rows were in trouble.
        peak: The worst value compared, and `peak_step` where.
        limit: The limit at the detection.
        facts: What the rule noted of the row at the detection; a fact that was not known there is absent.
    """

    scope: str
    severity: Severity
    first_step: int
    detected_step: int
    last_step: int
    open: bool
    rows: int
    peak: float
    peak_step: int
    limit: float
    facts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """The words of a finding: one sentence with numbers, what is behind it, what to do."""

    summary: str
    cause: str | None = None
    advice: tuple[Advice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StateVerdict:
    """What a state rule found: the run's trouble now, since `step`."""

    severity: Severity
    step: int
    telling: Telling


def always(_info: RunInfo) -> str | None:
    """Applies to every run."""
    return None


def one_scope(reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """The first of the metrics a rule reads that is logged: the ordinary case of one walk a rule."""
    return next(((name,) for name in reads if name in names), ())


class Describe(Protocol):
    """How a rule words an episode."""

    def __call__(self, episode: Episode, info: RunInfo) -> Telling:
        """One finding's words."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule(Generic[Past]):
    """A rule over the log rows.

    Attributes:
        family: For the score.
        reads: Canonical metrics, any one of which it needs; with none of them logged it is not evaluated.
        watch: (new rows, what was kept, context) -> verdict.
        fresh: What is kept before the first row, and after a relaunch.
        tell: The words.
        applies: A reason why the rule is not for this run, or None; a run without an answer gets None.
        scopes: (reads, logged metrics) -> one walk for each.
        window: How many of its rows an opening may look back over: the n of its m-of-n, the length of its median.
        close_after: Clean rows that end an episode.
        reopen_within: With fewer clean rows than this before the next trouble, it is the same episode again.
        worst: Which end of `value` is the peak.
        ceiling: The worst it can say, its weight in the coverage.
        beyond_logs: Whether it sees what logs hide (hooks, checkpoints); an A needs one such rule.
    """

    family: Family
    reads: tuple[str, ...]
    watch: Callable[[Rows, Past, Context], Verdict[Past]]
    fresh: Past
    tell: Describe
    applies: Callable[[RunInfo], str | None] = always
    scopes: Callable[[tuple[str, ...], tuple[str, ...]], tuple[str, ...]] = one_scope
    window: int = 1
    close_after: int = 10
    reopen_within: int = 20
    worst: Callable[[NDArray[np.float64]], np.intp] = np.argmax
    ceiling: Severity = Severity.CRITICAL
    beyond_logs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRule:
    """A rule over the run as it stands now.

    Attributes:
        family: For the score.
        judge: None when nothing is wrong.
        evaluable: A reason why it cannot be judged in this run, or None.
    """

    family: Family
    judge: Callable[[RunSnapshot], StateVerdict | None]
    evaluable: Callable[[RunSnapshot], str | None]
    ceiling: Severity = Severity.CRITICAL
    beyond_logs: bool = False


AnyRule = RowRule[Any] | StateRule


@dataclass(frozen=True, slots=True)
class NamedRule:
    """A rule with its id (its file's name) and its manual (its module's docstring)."""

    id: str
    rule: AnyRule
    manual: str

    @property
    def title(self) -> str:
        """The manual's first line."""
        return self.manual.strip().splitlines()[0].rstrip(".")
