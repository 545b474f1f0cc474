"""The verdict in sentences that somebody who does not train models understands."""

from __future__ import annotations

from rldk_tui.charts.format import count, duration, percent
from rldk_tui.diagnosis.findings import told_together
from rldk_tui.events import RunState, Severity
from rldk_tui.report.manual import rule_title
from rldk_tui.session import RunHealth

_COVERED = 0.6
"""Share of the checks, by weight, from which on there is enough to go by."""
_WORTH, _ALIKE = 3, 20
"""Checks that advice has to help, and letters with which advice begins that is the same but for details."""
_GRADES = {
    "A": "Healthy",
    "B": "Mostly healthy",
    "C": "Needs attention",
    "D": "In serious trouble",
    "F": "Broken",
    "n": "Not graded",
}

_STATES = {
    RunState.WAITING: "Nothing has been logged yet",
    RunState.LIVE: "The training is running",
    RunState.SLOW: "The training is slower than its own pace",
    RunState.STALLED: "The training has stalled: its process is silent",
    RunState.FINISHED: "The training finished",
    RunState.DIED: "The training died: it ended without saying so",
    RunState.UNKNOWN: "Whether the training still runs cannot be told from what it left",
}


def headline(health: RunHealth) -> str:
    """The grade in words; without a finding the question mark is about what was measured, not about the run."""
    grade = health.score.grade
    if grade.endswith("?") and not any(finding.severity is not Severity.INFO for finding in health.findings):
        return "Nothing wrong found, as far as the logs can tell"
    return _GRADES[grade[0]]


def progress(health: RunHealth) -> str:
    """What the training is doing and how far it got."""
    snapshot = health.snapshot
    if snapshot.step is None:
        return f"{_STATES[snapshot.state]}."
    of = f" of {count(snapshot.info.max_steps)}" if snapshot.info.max_steps else ""
    pace = f", {duration(snapshot.step_seconds)} a step" if snapshot.step_seconds else ""
    return f"{_STATES[snapshot.state]}; its last step was {count(snapshot.step)}{of}{pace}."


def worst(health: RunHealth) -> str:
    """The worst problem, or that none was found."""
    serious = [finding for finding in health.findings if finding.severity is not Severity.INFO]
    if not health.evaluated:
        return "No check could be made, so nothing can be said of its health."
    if not serious:
        return f"None of the {len(health.evaluated)} checks that could be made found a problem."
    first = serious[0]
    title = rule_title(first.rule)
    since = (
        f"since step {count(first.first_step)}"
        if first.open
        else f"in steps {count(first.first_step)}–{count(first.last_step)}"
    )
    others = {finding.rule for finding in serious} - {first.rule}
    most = max((finding.severity for finding in serious), key=lambda severity: severity.rank)
    what = "The worst problem" if first.severity is most else "What most likely began it"
    grave = "" if first.severity is most else f", {most.value} ones among them"
    more = f" {len(others)} other {'check' if len(others) == 1 else 'checks'} found something too{grave}." if others else ""
    return f"{what} ({first.severity.value}), {since}: {title[:1].lower()}{title[1:]}.{more}"


def unseen(health: RunHealth) -> list[str]:
    """What would let most more checks be made, where many could not; of trainers that are known, for it is about these."""
    if health.snapshot.info.algorithm is None or (health.score.coverage or 0.0) >= _COVERED:
        return []
    together = sorted(told_together(health.not_evaluated), key=lambda told: -len(told[0]))
    helpful: dict[str, str] = {}
    for rules, sentence in together:
        if len(rules) >= _WORTH:
            helpful.setdefault(sentence[:_ALIKE], f"{len(rules)} more checks could be made: {sentence}")
    return list(helpful.values())[:2]


def caps(health: RunHealth) -> str | None:
    """What bounds the score whatever else is good; None if nothing does."""
    binding = health.score.caps
    if not binding:
        return None
    reasons = dict.fromkeys(cap.reason for cap in binding if cap.limit == binding[0].limit)
    return f"The score is held down to {binding[0].limit:.2f} by {' and '.join(reasons)}."


def coverage(health: RunHealth) -> str:
    """How many of the checks that apply could be made."""
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


def uncertain(health: RunHealth) -> str | None:
    """What the question mark behind a grade, or a missing score, means; None where the grade is sure."""
    if health.score.value is None:
        return "Neither the learning signal nor the stability of the updates could be checked, so there is no score."
    if not health.score.grade.endswith("?"):
        return None
    return (
        "The question mark: logs alone cannot show frozen weights or a NaN gradient, and too little else was measured to be "
        "sure. Without that no run gets an A."
    )
