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

from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.episodes import Track, follow
from rldk_tui.diagnosis.evidence import Evidences
from rldk_tui.diagnosis.findings import (
    Diagnosis,
    NotEvaluated,
    RuleFailure,
    episode_finding,
    state_finding,
    why_silent,
    worst_first,
)
from rldk_tui.diagnosis.rule import Context, NamedRule, RowRule, StateRule
from rldk_tui.events import Finding
from rldk_tui.run import RunSnapshot, Segment


@dataclass(frozen=True, slots=True)
class _Walk:
    """How far a walk has come: `row` settled rows."""

    track: Track
    past: Any
    row: int = 0


@dataclass(slots=True)
class _Said:
    """What some of the rules said."""

    findings: list[Finding] = field(default_factory=list)
    evaluated: list[str] = field(default_factory=list)
    silent: list[NotEvaluated] = field(default_factory=list)
    failures: list[RuleFailure] = field(default_factory=list)


class Engine:
    """Diagnoses one run, snapshot after snapshot."""

    def __init__(self, rules: Iterable[NamedRule] | None = None) -> None:
        rules = tuple(load_rules() if rules is None else rules)
        self._row_rules = [rule for rule in rules if isinstance(rule.rule, RowRule)]
        self._state_rules = [rule for rule in rules if isinstance(rule.rule, StateRule)]
        self._walks: dict[str, dict[tuple[str, str], _Walk]] = {}
        self._grounds: dict[str, tuple[object, ...]] = {}
        self._evidences = Evidences()
        self._judged: tuple[object, ...] = ()
        self._of_rows = _Said()

    def diagnose(self, snapshot: RunSnapshot) -> Diagnosis:
        """What every rule says of the run as it stands in the snapshot."""
        self._judge_rows(snapshot)
        now = self._ask(self._state_rules, snapshot)
        rows = self._of_rows
        return Diagnosis(
            findings=worst_first([*rows.findings, *now.findings]),
            evaluated=tuple(sorted([*rows.evaluated, *now.evaluated])),
            not_evaluated=tuple(sorted([*rows.silent, *now.silent], key=lambda silent: silent.rule)),
            failures=(*rows.failures, *now.failures),
        )

    def _judge_rows(self, snapshot: RunSnapshot) -> None:
        """Ask the row rules, unless no row and no fact is new since they were asked last."""
        judged = (snapshot.info, *((segment.key, segment.version, segment.info) for segment in snapshot.segments))
        if judged == self._judged:
            return
        for segment in snapshot.segments:
            ground = (segment.revision, segment.info)
            if self._grounds.get(segment.key) != ground:
                self._walks[segment.key] = {}
                self._evidences.forget(segment.key)
            self._grounds[segment.key] = ground
        self._of_rows = self._ask(self._row_rules, snapshot)
        self._judged = judged

    def _ask(self, rules: list[NamedRule], snapshot: RunSnapshot) -> _Said:
        said, names = _Said(), snapshot.metric_names()
        for rule in rules:
            _guarded(said, rule.id, None, partial(self._ask_one, said, rule, snapshot, names))
        return said

    def _ask_one(self, said: _Said, named: NamedRule, snapshot: RunSnapshot, names: tuple[str, ...]) -> None:
        reason = why_silent(named, snapshot, names)
        if reason is not None:
            said.silent.append(reason)
            return
        said.evaluated.append(named.id)
        rule = named.rule
        if isinstance(rule, StateRule):
            verdict = rule.judge(snapshot)
            said.findings.extend([] if verdict is None else [state_finding(named, verdict)])
            return
        for scope in rule.scopes(rule.reads, names):
            _guarded(said, named.id, scope, partial(self._walk, said, named, rule, scope, snapshot))

    def _walk(self, said: _Said, named: NamedRule, rule: RowRule[Any], scope: str, snapshot: RunSnapshot) -> None:
        for segment in snapshot.segments:
            walks = self._walks[segment.key]
            walk = walks.get((named.id, scope)) or _Walk(Track(), rule.fresh)
            walks[named.id, scope] = walk = _on(walk, rule, scope, segment, segment.settled)
            trial = _on(walk, rule, scope, segment, len(segment.rows))
            over = segment is not snapshot.segments[-1]
            for episode in trial.track.episodes():
                told = replace(episode, open=episode.open and not over)
                evidence = self._evidences.of(told, segment)
                said.findings.append(episode_finding(named, told, rule.tell(told, segment.info), evidence))


def _guarded(said: _Said, rule: str, scope: str | None, work: Callable[[], None]) -> None:
    """Let a rule work; what it raises becomes a failure that is shown."""
    try:
        work()
    except Exception as failure:  # noqa: BLE001 - the border: one broken rule must not silence the others
        said.failures.append(RuleFailure(rule, scope, f"{type(failure).__name__}: {failure}"))


def _on(walk: _Walk, rule: RowRule[Any], scope: str, segment: Segment, upto: int) -> _Walk:
    """The walk after the rows up to `upto`."""
    rows = segment.rows[walk.row : upto]
    if not len(rows):
        return walk
    verdict = rule.watch(rows, walk.past, Context(segment.info, scope))
    return _Walk(follow(walk.track, rows.steps[verdict.at], verdict, rule, scope), verdict.past, upto)
