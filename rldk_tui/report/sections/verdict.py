"""How the run is doing in three sentences, and what to do first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rldk_tui.events import Advice, Json, RunState, Severity
from rldk_tui.report import wording
from rldk_tui.report.sections import Section
from rldk_tui.scoring import DIMENSIONS
from rldk_tui.session import RunHealth

_MOST_STEPS = 3
_NUMBER = re.compile(r"\d[\d,.]*")


@dataclass(frozen=True, slots=True)
class Dimension:
    """One of the five things the score is made of; None means that no rule of it could be judged."""

    name: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Tally:
    """Findings of one severity."""

    severity: Severity
    open: int
    closed: int


@dataclass(frozen=True, slots=True)
class Todo:
    """One of the first things to do, and the finding it mends."""

    finding: str
    rule: str
    text: str
    parameter: str | None
    current: Json
    proposed: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything above the fold.

    Attributes:
        grade: As in the check object; `letter` is its first character, "–" when it is not graded.
        sentences: State and progress, the worst problem, what could be checked.
        caps: What bounds the score whatever else is good, in words; None if nothing does.
        uncertain: What the question mark behind the grade means; None without one.
        first: What to do first.
        unseen: What to log to have many more checks made, where nothing else is to be done.
    """

    run: str
    facts: tuple[str, ...]
    state: RunState
    grade: str
    letter: str
    score: float | None
    headline: str
    sentences: tuple[str, ...]
    caps: str | None
    uncertain: str | None
    dimensions: tuple[Dimension, ...]
    tallies: tuple[Tally, ...]
    first: tuple[Todo, ...]
    unseen: tuple[str, ...]


def build(health: RunHealth) -> Verdict:
    """Always there."""
    score, first = health.score, tuple(_first(health))
    return Verdict(
        run=health.snapshot.name,
        facts=tuple(_facts(health)),
        state=health.snapshot.state,
        grade=score.grade,
        letter="–" if score.value is None else score.grade[0],
        score=score.value,
        headline=wording.headline(health),
        sentences=(wording.progress(health), wording.worst(health), wording.coverage(health)),
        caps=wording.caps(health),
        uncertain=wording.uncertain(health),
        dimensions=tuple(_dimensions(health)),
        tallies=tuple(_tallies(health)),
        first=first,
        unseen=() if first else tuple(wording.unseen(health)),
    )


def _facts(health: RunHealth) -> Iterator[str]:
    info = health.snapshot.info
    if info.algorithm is not None:
        yield info.algorithm.value.upper().replace("_", " ")
    if info.model is not None:
        yield info.model
    if "trl" in info.versions:
        yield f"trl {info.versions['trl']}"
    if info.seed is not None:
        yield f"seed {info.seed}"


def _dimensions(health: RunHealth) -> Iterator[Dimension]:
    for dimension in DIMENSIONS:
        yield Dimension(dimension.value, health.score.dimensions.get(dimension))


def _tallies(health: RunHealth) -> Iterator[Tally]:
    for severity in reversed(Severity):
        found = [finding for finding in health.findings if finding.severity is severity]
        if found:
            still_open = sum(finding.open for finding in found)
            yield Tally(severity, still_open, len(found) - still_open)


def _first(health: RunHealth) -> Iterator[Todo]:
    """The first advice of the worst findings; the same change is named once, with the numbers of the worst."""
    named: set[tuple[str | None, str]] = set()
    for finding in health.findings:
        if finding.severity is Severity.INFO or not finding.advice:
            continue
        advice: Advice = finding.advice[0]
        key = (advice.parameter, advice.parameter or _NUMBER.sub("#", advice.text))
        if key in named:
            continue
        named.add(key)
        yield Todo(finding.id, finding.rule, advice.text, advice.parameter, advice.current, advice.proposed)
        if len(named) == _MOST_STEPS:
            return


SECTION = Section(title="Verdict", order=10, build=build, template="verdict")
