"""Runs every rule over what is new in a snapshot.

A walk is one rule over one scope through all launches. It keeps, frozen, where it got to in the settled rows; the newest
row, which may still get values, is judged on trial on top of that each time. So a poll costs what is new, and the answer
does not depend on how the log was cut into polls. If a settled row changed after all, or the facts of a launch did, the
walks begin again: late knowledge gives the same answer as early knowledge.
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
from rldk_tui.run import Rows, RunInfo, RunSnapshot, Segment


@dataclass(frozen=True, slots=True)
class _Walk:
    """How far a walk has come: `launch` whole launches and `row` settled rows of the next."""

    track: Track
    past: Any
    launch: int = 0
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
        self._walks: dict[tuple[str, str], _Walk] = {}
        self._evidences = Evidences()
        self._ground: tuple[object, ...] = ()
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
        ground = (*((segment.key, segment.revision, segment.info) for segment in snapshot.segments),)
        if ground[: len(self._ground)] != self._ground:
            self._walks.clear()
            self._evidences.forget()
        self._ground = ground
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
        walk = self._walks.get((named.id, scope)) or _Walk(Track(), rule.fresh)
        self._walks[named.id, scope], now = _walk_on(walk, rule, scope, snapshot.segments)
        said.findings += [
            episode_finding(named, episode, rule.tell(episode, snapshot.info), self._evidences.of(episode, snapshot))
            for episode in now.episodes()
        ]


def _guarded(said: _Said, rule: str, scope: str | None, work: Callable[[], None]) -> None:
    """Let a rule work; what it raises becomes a failure that is shown."""
    try:
        work()
    except Exception as failure:  # noqa: BLE001 - the border: one broken rule must not silence the others
        said.failures.append(RuleFailure(rule, scope, f"{type(failure).__name__}: {failure}"))


def _walk_on(walk: _Walk, rule: RowRule[Any], scope: str, segments: tuple[Segment, ...]) -> tuple[_Walk, Track]:
    """The walk through the settled rows, and the track with the newest rows on trial."""
    for index in range(walk.launch, len(segments)):
        segment = segments[index]
        if index > walk.launch:
            walk = _Walk(walk.track.at_relaunch(), rule.fresh, index, 0)
        track, past = _step(walk.track, walk.past, rule, scope, segment.info, segment.rows[walk.row : segment.settled])
        walk = replace(walk, track=track, past=past, row=segment.settled)
    if not segments:
        return walk, walk.track
    newest = segments[-1]
    trial, _ = _step(walk.track, walk.past, rule, scope, newest.info, newest.rows[newest.settled :])
    return walk, trial


def _step(track: Track, past: Any, rule: RowRule[Any], scope: str, info: RunInfo, rows: Rows) -> tuple[Track, Any]:
    if not len(rows):
        return track, past
    verdict = rule.watch(rows, past, Context(info, scope))
    return follow(track, rows.steps[verdict.at], verdict, rule, scope), verdict.past
