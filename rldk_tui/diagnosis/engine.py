"""Runs every rule over what is new in a snapshot.

A walk is one rule over one scope in one launch. It keeps, frozen, where it got to in the settled rows; the newest row,
which may still get values, is judged on trial on top of that each time. So a poll costs what is new, and the answer does
not depend on how the log was cut into polls. If a settled row of a launch changed after all, or its facts did, its walks
begin again: late knowledge gives the same answer as early knowledge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from rldk_tui.diagnosis.border import guarded
from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.episodes import Track, follow
from rldk_tui.diagnosis.evidence import Evidences
from rldk_tui.diagnosis.findings import (
    Diagnosis,
    NotEvaluated,
    RuleFailure,
    config_finding,
    episode_finding,
    state_finding,
    why_silent,
)
from rldk_tui.diagnosis.rule import ConfigRule, Context, NamedRule, RowRule, StateRule
from rldk_tui.diagnosis.stories import tell_stories
from rldk_tui.events import Finding
from rldk_tui.run import Rows, RunSnapshot, Segment

AT_ONCE = 1 << 14
"""Rows a rule is given at once: the memory of its windows follows them, and their length may be anybody's setting."""


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a rule has come in the rows of a launch: `row` of them."""

    track: Track
    past: Any
    row: int = 0


@dataclass(slots=True)
class _Walk:
    """One rule over one scope in one launch.

    Attributes:
        settled: Where it stands for good.
        trial: Where it stood after the newest row when it was last asked, and `amended` as it was then: if no row changed
            since, what was on trial holds.
        seen: Rows of which a rule that waits has said that none begins an episode.
    """

    settled: _Place
    trial: _Place
    amended: int = -1
    seen: int = 0
    told: tuple[object, ...] | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(slots=True)
class _Said:
    """What some of the rules said."""

    findings: list[Finding] = field(default_factory=list)
    evaluated: list[str] = field(default_factory=list)
    silent: list[NotEvaluated] = field(default_factory=list)
    failures: list[RuleFailure] = field(default_factory=list)


@dataclass(slots=True)
class _Plan:
    """Which rules have something to say of a run, and of what: worked out anew only when the run's facts or metrics change.

    Attributes:
        said: What is known without looking at a row: who is silent and why, who is evaluated, who failed already.
    """

    said: _Said = field(default_factory=_Said)
    walks: list[tuple[NamedRule, RowRule[Any], str]] = field(default_factory=list)
    settings: list[tuple[NamedRule, ConfigRule]] = field(default_factory=list)


class Engine:
    """Diagnoses one run, snapshot after snapshot."""

    def __init__(self, rules: Iterable[NamedRule] | None = None) -> None:
        rules = tuple(load_rules() if rules is None else rules)
        self.rules = {rule.id: rule.rule for rule in rules}
        self._lasting_rules = [rule for rule in rules if not isinstance(rule.rule, StateRule)]
        self._state_rules = [(rule, rule.rule) for rule in rules if isinstance(rule.rule, StateRule)]
        self._walks: dict[str, dict[tuple[str, str], _Walk]] = {}
        self._grounds: dict[str, tuple[object, ...]] = {}
        self._evidences = Evidences()
        self._judged: tuple[object, ...] = ()
        self._stretches: dict[tuple[str, int, int], Rows] = {}
        self._of_rows = _Said()
        self._planned_for: tuple[object, ...] = ()
        self._plan = _Plan()

    def diagnose(self, snapshot: RunSnapshot) -> Diagnosis:
        """What every rule says of the run as it stands in the snapshot."""
        self._judge_rows(snapshot)
        now = self._ask_state(snapshot)
        rows = self._of_rows
        return Diagnosis(
            findings=tell_stories([*rows.findings, *now.findings], self.rules),
            evaluated=tuple(sorted([*rows.evaluated, *now.evaluated])),
            not_evaluated=tuple(sorted([*rows.silent, *now.silent], key=lambda silent: silent.rule)),
            failures=(*rows.failures, *now.failures),
        )

    def _judge_rows(self, snapshot: RunSnapshot) -> None:
        """Ask the rules of rows and settings, unless no row and no fact is new since they were asked last."""
        judged = (snapshot.info, *((segment.key, segment.version, segment.info) for segment in snapshot.segments))
        if judged == self._judged:
            return
        for segment in snapshot.segments:
            ground = (segment.revision, segment.info)
            if self._grounds.get(segment.key) != ground:
                self._walks[segment.key] = {}
                self._evidences.forget(segment.key)
            self._grounds[segment.key] = ground
        self._of_rows = self._ask_rows(snapshot)
        self._stretches = {}  # what was worked out about a long stretch is as large as the stretch
        self._judged = judged

    def _ask_rows(self, snapshot: RunSnapshot) -> _Said:
        plan = self._planned(snapshot)
        said = _Said([], plan.said.evaluated, plan.said.silent, [*plan.said.failures])
        for named, config_rule in plan.settings:
            _guarded(said, named.id, None, partial(_read_settings, said, named, config_rule, snapshot))
        for named, row_rule, scope in plan.walks:
            _guarded(said, named.id, scope, partial(self._walk, said, named, row_rule, scope, snapshot))
        return said

    def _planned(self, snapshot: RunSnapshot) -> _Plan:
        names = snapshot.metric_names()
        broken = frozenset().union(*(segment.nonfinite for segment in snapshot.segments))
        if self._planned_for != (snapshot.info, names, broken):
            self._planned_for = (snapshot.info, names, broken)
            self._plan = _Plan()
            for named in self._lasting_rules:
                _guarded(self._plan.said, named.id, None, partial(_add_to, self._plan, named, snapshot, names, broken))
        return self._plan

    def _ask_state(self, snapshot: RunSnapshot) -> _Said:
        said = _Said()
        for named, rule in self._state_rules:
            _guarded(said, named.id, None, partial(_ask_one, said, named, rule, snapshot))
        return said

    def _walk(self, said: _Said, named: NamedRule, rule: RowRule[Any], scope: str, snapshot: RunSnapshot) -> None:
        for segment in snapshot.segments:
            walks = self._walks[segment.key]
            walk = walks.get((named.id, scope))
            if walk is None:
                start = _Place(Track(), rule.fresh)
                walk = walks[named.id, scope] = _Walk(start, start)
            context = Context(segment.info, scope, rule.limits, segment.named)
            if not _may_wait(walk, rule, context, segment):
                self._go_on(walk, rule, context, segment)
            over = segment is not snapshot.segments[-1]
            track = walk.trial.track
            told = (track.closed, track.current, over, segment.amended)
            if walk.told != told:
                walk.findings = tuple(self._tell(named, rule, context, segment, track, over=over))
                walk.told = told
            said.findings.extend(walk.findings)

    def _tell(
        self, named: NamedRule, rule: RowRule[Any], context: Context, segment: Segment, track: Track, *, over: bool
    ) -> Iterable[Finding]:
        for episode in track.episodes():
            told = replace(episode, open=episode.open and not over)
            evidence = self._evidences.of(told, segment)
            about = context.names(context.scope, told.first_step, told.last_step)
            yield episode_finding(named, told, rule.tell(told, context), evidence, about)

    def _go_on(self, walk: _Walk, rule: RowRule[Any], context: Context, segment: Segment) -> None:
        """Bring the walk to the segment's newest row."""
        if walk.amended == segment.amended and walk.settled.row < walk.trial.row <= segment.settled:
            walk.settled = walk.trial
        walk.settled = self._on(walk.settled, rule, context, segment, segment.settled)
        if walk.amended != segment.amended or walk.trial.row != len(segment.rows):
            walk.trial = self._on(walk.settled, rule, context, segment, len(segment.rows))
        walk.amended = segment.amended

    def _on(self, place: _Place, rule: RowRule[Any], context: Context, segment: Segment, upto: int) -> _Place:
        """The place after the rows up to `upto`."""
        while place.row < upto:
            end = min(upto, place.row + AT_ONCE)
            rows = self._stretches.get((segment.key, place.row, end))
            if rows is None:
                rows = self._stretches[segment.key, place.row, end] = segment.rows[place.row : end]
            verdict = rule.watch(rows, place.past, context)
            place = _Place(follow(place.track, rows.steps[verdict.at], verdict, rule, context.scope), verdict.past, end)
        return place


def _ask_one(said: _Said, named: NamedRule, rule: StateRule, snapshot: RunSnapshot) -> None:
    """What a state rule says of the run as it stands."""
    reason = why_silent(named, snapshot, ())
    if reason is not None:
        said.silent.append(reason)
        return
    said.evaluated.append(named.id)
    verdict = rule.judge(snapshot, rule.limits)
    said.findings.extend([] if verdict is None else [state_finding(named, verdict)])


def _add_to(plan: _Plan, named: NamedRule, snapshot: RunSnapshot, names: tuple[str, ...], broken: frozenset[str]) -> None:
    """Find the rule's place in the plan."""
    reason = why_silent(named, snapshot, names)
    if reason is not None:
        plan.said.silent.append(reason)
        return
    plan.said.evaluated.append(named.id)
    rule = named.rule
    if isinstance(rule, ConfigRule):
        plan.settings.append((named, rule))
    elif isinstance(rule, RowRule):
        looked_at = tuple(name for name in names if name in broken) if rule.only_nonfinite else names
        plan.walks.extend((named, rule, scope) for scope in rule.scopes(rule.reads, looked_at))


def _may_wait(walk: _Walk, rule: RowRule[Any], context: Context, segment: Segment) -> bool:
    """Whether the rows that are new can be left for later."""
    if rule.waits is None or walk.trial.track.current is not None:
        return False
    judged = walk.trial if walk.amended == segment.amended else walk.settled
    new = segment.rows[max(walk.seen, judged.row) :]
    if not rule.waits(new, context):
        return False
    walk.seen = segment.settled
    return True


def _guarded(said: _Said, rule: str, scope: str | None, work: Callable[[], None]) -> None:
    """Let a rule work; what it raises becomes a failure that is shown."""
    guarded(work, lambda failure: said.failures.append(RuleFailure(rule, scope, f"{type(failure).__name__}: {failure}")))


def _read_settings(said: _Said, named: NamedRule, rule: ConfigRule, snapshot: RunSnapshot) -> None:
    """What a rule says of each launch's settings; of launches set up alike it says it once."""
    found: list[Finding] = []
    for segment in snapshot.segments:
        verdict = rule.judge(segment.info, rule.limits)
        if verdict is None:
            continue
        newest = segment is snapshot.segments[-1]
        until = int(segment.rows.steps[-1]) if len(segment.rows) else segment.info.first_step
        told = config_finding(named, verdict, segment.info.first_step + 1, until, over=not newest)
        if found and found[-1].summary == told.summary:
            since = min(found[-1].first_step, told.first_step)
            told = config_finding(named, verdict, since, until, over=not newest)
            found.pop()
        found.append(told)
    said.findings.extend(found)
