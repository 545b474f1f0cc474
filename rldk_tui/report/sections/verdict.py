"""How the run is doing in three sentences, and what to do first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rldk_tui.charts.format import count, duration, percent
from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.events import Advice, Json, RunState, Severity
from rldk_tui.report.manual import rule_title
from rldk_tui.report.sections import Section
from rldk_tui.scoring import DIMENSIONS
from rldk_tui.session import RunHealth

_MOST_STEPS = 3
_GRADES = {
    "A": "Healthy",
    "B": "Mostly healthy",
    "C": "Needs attention",
    "D": "In serious trouble",
    "F": "Broken",
    "n": "Not graded",
}


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
        caps: What bounds the score whatever else is good, in words.
        uncertain: What the question mark behind the grade means; None without one.
    """

    run: str
    facts: tuple[str, ...]
    state: RunState
    grade: str
    letter: str
    score: float | None
    headline: str
    sentences: tuple[str, ...]
    caps: tuple[str, ...]
    uncertain: str | None
    dimensions: tuple[Dimension, ...]
    tallies: tuple[Tally, ...]
    first: tuple[Todo, ...]


def build(health: RunHealth) -> Verdict:
    """Always there."""
    score = health.score
    return Verdict(
        run=health.snapshot.name,
        facts=tuple(_facts(health)),
        state=health.snapshot.state,
        grade=score.grade,
        letter="–" if score.value is None else score.grade[0],
        score=score.value,
        headline=_headline(health),
        sentences=(_progress(health), _worst(health), _coverage(health)),
        caps=tuple(dict.fromkeys(f"The score is held down to {cap.limit:.2f} by {cap.reason}." for cap in score.caps)),
        uncertain=_uncertain(health),
        dimensions=tuple(_dimensions(health)),
        tallies=tuple(_tallies(health)),
        first=tuple(_first(health)),
    )


def _headline(health: RunHealth) -> str:
    """The grade in words; without a finding the question mark is about what was measured, not about the run."""
    grade = health.score.grade
    if grade.endswith("?") and not any(finding.severity is not Severity.INFO for finding in health.findings):
        return "Nothing wrong found, as far as the logs can tell"
    return _GRADES[grade[0]]


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


_STATES = {
    RunState.WAITING: "Nothing has been logged yet",
    RunState.LIVE: "The training is running",
    RunState.SLOW: "The training is slower than its own pace",
    RunState.STALLED: "The training has stalled: its process is silent",
    RunState.FINISHED: "The training finished",
    RunState.DIED: "The training died: it ended without saying so",
    RunState.UNKNOWN: "Whether the training still runs cannot be told from what it left",
}


def _progress(health: RunHealth) -> str:
    snapshot = health.snapshot
    if snapshot.step is None:
        return f"{_STATES[snapshot.state]}."
    of = f" of {count(snapshot.info.max_steps)}" if snapshot.info.max_steps else ""
    pace = f", {duration(snapshot.step_seconds)} a step" if snapshot.step_seconds else ""
    return f"{_STATES[snapshot.state]}; its last step was {count(snapshot.step)}{of}{pace}."


def _worst(health: RunHealth) -> str:
    serious = [finding for finding in health.findings if finding.severity is not Severity.INFO]
    if not health.evaluated:
        return "No check could be made, so nothing can be said of its health."
    if not serious:
        return f"None of the {len(health.evaluated)} checks that could be made found a problem."
    worst = serious[0]
    title = rule_title(worst.rule)
    since = (
        f"since step {count(worst.first_step)}"
        if worst.open
        else f"in steps {count(worst.first_step)}–{count(worst.last_step)}"
    )
    others = {finding.rule for finding in serious} - {worst.rule}
    more = f" {len(others)} other {'check' if len(others) == 1 else 'checks'} found something too." if others else ""
    return f"The worst problem ({worst.severity.value}), {since}: {title[:1].lower()}{title[1:]}.{more}"


def _coverage(health: RunHealth) -> str:
    missing = sum(silent.applicable for silent in health.not_evaluated)
    broken = len({failure.rule for failure in health.rule_failures})
    made, whole = len(health.evaluated) - broken, len(health.evaluated) + missing
    if not whole:
        return "No check applies to what is known of this run."
    share = "" if health.score.coverage is None else f" ({percent(health.score.coverage)} by weight)"
    if made == whole:
        return f"All {whole} checks that apply to this kind of run could be made."
    parts = [f"{made} of the {whole} checks that apply to this kind of run could be made{share}"]
    if missing:
        parts.append(f"for {missing} the run did not log what they need")
    if broken:
        parts.append(f"{broken} failed")
    return f"{'; '.join(parts)}."


def _uncertain(health: RunHealth) -> str | None:
    if health.score.value is None:
        return "Neither the learning signal nor the stability of the updates could be checked, so there is no score."
    if not health.score.grade.endswith("?"):
        return None
    return (
        "The question mark: logs alone cannot show frozen weights or a NaN gradient, and too little else was measured to be "
        "sure. Without that no run gets an A."
    )


def _dimensions(health: RunHealth) -> Iterator[Dimension]:
    broken = {failure.rule for failure in health.rule_failures}
    judged = set(health.evaluated) - broken
    families = {rule.rule.family for rule in load_rules() if rule.id in judged}
    for dimension, (_, members) in DIMENSIONS.items():
        measured = families.intersection(members)
        yield Dimension(dimension.value, health.score.dimensions.get(dimension) if measured else None)


def _tallies(health: RunHealth) -> Iterator[Tally]:
    for severity in reversed(Severity):
        found = [finding for finding in health.findings if finding.severity is severity]
        if found:
            still_open = sum(finding.open for finding in found)
            yield Tally(severity, still_open, len(found) - still_open)


def _first(health: RunHealth) -> Iterator[Todo]:
    """The first advice of the worst findings; the same change is named once."""
    named: set[tuple[str | None, str]] = set()
    for finding in health.findings:
        if finding.severity is Severity.INFO or not finding.advice:
            continue
        advice: Advice = finding.advice[0]
        key = (advice.parameter, advice.parameter or advice.text)
        if key in named:
            continue
        named.add(key)
        yield Todo(finding.id, finding.rule, advice.text, advice.parameter, advice.current, advice.proposed)
        if len(named) == _MOST_STEPS:
            return


SECTION = Section(title="Verdict", order=10, build=build, template="verdict")
