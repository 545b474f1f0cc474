"""How a rule is written.

A rule is a module of `diagnosis/rules/` with a constant `RULE`. Its docstring is its manual, under the headings
`MANUAL_HEADINGS`. There are three kinds:

* `RowRule` walks the rows of a launch: what the trainer logged at a step, and under `samples/`, `hook/`, `checkpoint/` and
  `system/` what was measured beside it. `watch` gets the rows that are new and what it kept of the earlier ones, and says
  of each row that concerns it whether it is in trouble; what it says of a row depends on rows up to it only. The engine
  makes episodes of that.
* `ConfigRule` reads a launch's settings alone, so it speaks before the first step.
* `StateRule` looks at what the run as a whole is doing now (`judge`); only such a rule may depend on the current time.

A rule's limits are a frozen dataclass of plain values; `rldk.toml` may change any of them, so a rule reads them from what it
is given and never from its module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows, RunInfo, RunSnapshot
from rldk_tui.scoring import Family as Family

MANUAL_HEADINGS = ("What it means", "Why it happens", "What to do", "Where the limit comes from")
"""Every rule's docstring has these, each followed by text."""

Past = TypeVar("Past")
Named = Mapping[str, Mapping[int, tuple[str, ...]]]
"""By metric and step: what was measured there, by name (tensors, samples)."""
_NOTHING_NAMED: Named = MappingProxyType({})
_MOST_NAMES = 8


class Need(StrEnum):
    """Where a rule's evidence comes from."""

    LOG = "log"
    CONFIG = "config"
    SAMPLES = "samples"
    HOOK = "hook"
    CHECKPOINT = "checkpoint"


BEYOND_LOGS = frozenset({Need.HOOK, Need.CHECKPOINT})
"""What sees that which logs hide; an A needs a rule of these to have been evaluated."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may know beside the rows.

    Attributes:
        info: Facts of the launch the rows belong to.
        scope: What this walk is about: the metric's canonical name.
        limits: The rule's limits as they hold for this run.
        named: What the measurements of this launch name.
    """

    info: RunInfo
    scope: str
    limits: Any = None
    named: Named = field(default_factory=lambda: _NOTHING_NAMED)

    def names(self, metric: str, first: int, last: int) -> tuple[str, ...]:
        """What the measurements of a metric in these steps name, each once, the first few."""
        by_step = self.named.get(metric, {})
        found = (name for step in sorted(by_step) if first <= step <= last for name in by_step[step])
        return tuple(dict.fromkeys(found))[:_MOST_NAMES]


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
    """What a state or config rule found: the run's trouble now, since `step`."""

    severity: Severity
    telling: Telling
    step: int = 0


def always(_info: RunInfo) -> str | None:
    """Applies to every run."""
    return None


def one_scope(reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """The first of the metrics a rule reads that is logged: the ordinary case of one walk a rule."""
    return next(((name,) for name in reads if name in names), ())


class Describe(Protocol):
    """How a rule words an episode."""

    def __call__(self, episode: Episode, context: Context) -> Telling:
        """One finding's words."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule(Generic[Past]):
    """A rule over the rows.

    Attributes:
        family: For the score.
        reads: Canonical metrics, any one of which it needs; with none of them logged it is not evaluated.
        watch: (new rows, what was kept, context) -> verdict.
        fresh: What is kept before the first row, and after a relaunch.
        tell: The words.
        limits: The limits as they hold without any configuration.
        needs: Where its evidence comes from.
        applies: A reason why the rule is not for this run, or None; a run without an answer gets None.
        scopes: (reads, logged metrics) -> one walk for each.
        only_nonfinite: Whether it has nothing to say of a metric of which every number was finite, and so need not be asked.
        waits: Whether these new rows cannot begin an episode, so that it may look at them when a later one can: a rule over
            very many metrics is asked that first.
        window: How many of its rows an opening may look back over: the n of its m-of-n, the length of its median. A
            number, or a function of the limits.
        close_after: Clean rows that end an episode.
        reopen_within: With fewer clean rows than this before the next trouble, it is the same episode again.
        worst: Which end of `value` is the peak.
        ceiling: The worst it can say, its weight in the coverage.
        adaptive: Whether it compares the run with its own past. Such a rule alone reaches a warning: high stands only
            beside a finding of another family.
        explained_by: Ids of the rules whose findings may be the cause of this rule's.
    """

    family: Family
    reads: tuple[str, ...]
    watch: Callable[[Rows, Past, Context], Verdict[Past]]
    fresh: Past
    tell: Describe
    limits: Any
    needs: Need = Need.LOG
    applies: Callable[[RunInfo], str | None] = always
    scopes: Callable[[tuple[str, ...], tuple[str, ...]], tuple[str, ...]] = one_scope
    only_nonfinite: bool = False
    waits: Callable[[Rows, Context], bool] | None = None
    window: int | Callable[[Any], int] = 1
    close_after: int = 10
    reopen_within: int = 20
    worst: Callable[[NDArray[np.float64]], np.intp] = np.argmax
    ceiling: Severity = Severity.CRITICAL
    adaptive: bool = False
    explained_by: tuple[str, ...] = ()

    @property
    def lookback(self) -> int:
        """`window` under the limits that hold."""
        return self.window(self.limits) if callable(self.window) else self.window


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRule:
    """A rule over a launch's settings.

    Attributes:
        settings: Any one of these it needs; with none of them in the config it is not evaluated.
        judge: (facts of the launch, limits) -> what is wrong, or None. The verdict's step is of no account.
    """

    family: Family
    settings: tuple[str, ...]
    judge: Callable[[RunInfo, Any], StateVerdict | None]
    limits: Any
    needs: Need = Need.CONFIG
    applies: Callable[[RunInfo], str | None] = always
    ceiling: Severity = Severity.HIGH
    explained_by: tuple[str, ...] = ()
    adaptive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRule:
    """A rule over the run as it stands now.

    Attributes:
        family: For the score.
        judge: (snapshot, limits) -> None when nothing is wrong.
        evaluable: A reason why it cannot be judged in this run, or None.
        applies: A reason why the rule is not for this run, or None.
    """

    family: Family
    judge: Callable[[RunSnapshot, Any], StateVerdict | None]
    evaluable: Callable[[RunSnapshot], str | None]
    limits: Any
    needs: Need = Need.LOG
    applies: Callable[[RunInfo], str | None] = always
    ceiling: Severity = Severity.CRITICAL
    explained_by: tuple[str, ...] = ()
    adaptive: bool = False


AnyRule = RowRule[Any] | ConfigRule | StateRule


@dataclass(frozen=True, slots=True)
class NamedRule:
    """A rule with its id (its file's name) and its manual (its module's docstring).

    Attributes:
        muted: Why it is not asked in this run, in words; None if it is.
    """

    id: str
    rule: AnyRule
    manual: str
    muted: str | None = None

    @property
    def title(self) -> str:
        """The manual's first line."""
        return self.manual.strip().splitlines()[0].rstrip(".")
