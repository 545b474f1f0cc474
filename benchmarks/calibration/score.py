"""How many faults are found, named and ranked first, how soon, and how often there is an alarm where nothing is wrong."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.calibration.labelled import EARLY, Answer, Fault, Labelled
from rldk_tui.events import Finding, Severity


@dataclass
class Tally:
    """Counts over runs; for one rule or for all of them."""

    faults: int = 0
    detected: int = 0
    named: int = 0
    first: int = 0
    strangers: int = 0
    delays: list[int] = field(default_factory=list)
    healthy: int = 0
    clean: int = 0
    quiet_steps: int = 0
    false_alarms: int = 0
    false_criticals: int = 0

    @property
    def delay(self) -> float | None:
        """Median steps from onset to the first finding that counts."""
        return statistics.median(self.delays) if self.delays else None

    def per_10k(self) -> tuple[float, float]:
        """False alarms in 10,000 quiet steps, and the upper end of their 95 % Poisson interval."""
        if not self.quiet_steps:
            return math.nan, math.nan
        scale = 10_000 / self.quiet_steps
        return self.false_alarms * scale, poisson_upper(self.false_alarms) * scale


def poisson_upper(count: int, confidence: float = 0.95) -> float:
    """The mean below which a Poisson count this small has probability 1 − confidence: 3.0 for no event at all.

    Garwood's exact limit, found by bisection of the distribution function.
    """
    low, high = max(float(count), 1e-9), count + 10 * math.sqrt(count + 1) + 10
    for _ in range(60):
        middle = (low + high) / 2
        below = sum(math.exp(k * math.log(middle) - middle - math.lgamma(k + 1)) for k in range(count + 1))
        low, high = (middle, high) if below > 1 - confidence else (low, middle)
    return high


def score(answers: Mapping[Labelled, Answer]) -> Tally:
    """The tally over runs, by the rules of the labelled benchmark."""
    tally = Tally()
    for run, answer in answers.items():
        findings = answer.findings
        early = _false(run, findings)
        tally.quiet_steps += run.steps if run.onset is None else max(0, run.onset - EARLY)
        tally.false_alarms += len(early)
        tally.false_criticals += sum(finding.severity is Severity.CRITICAL for finding in early)
        if run.onset is None:
            tally.healthy += 1
            tally.clean += not early
        for fault in run.faults:
            _add_fault(tally, run, fault, findings)
    return tally


def _false(run: Labelled, findings: Sequence[Finding]) -> list[Finding]:
    before = math.inf if run.onset is None else run.onset - EARLY
    return [finding for finding in findings if finding.rule not in run.excused and finding.first_step < before]


def _add_fault(tally: Tally, run: Labelled, fault: Fault, findings: Sequence[Finding]) -> None:
    late = [finding for finding in findings if finding.first_step >= fault.onset - EARLY]
    hits = [finding for finding in late if finding.rule in fault.root | fault.also]
    roots = [finding for finding in hits if fault.named_by(finding)]
    tally.faults += 1
    tally.detected += bool(hits)
    tally.named += bool(roots)
    tally.first += bool(late and late[0] in roots)
    tally.strangers += sum(finding.rule not in fault.root | fault.also | run.excused for finding in late)
    if hits:
        tally.delays.append(max(0, min(finding.detected_step for finding in hits) - fault.onset))


def score_of_rule(rule: str, answers: Mapping[Labelled, Answer]) -> Tally:
    """The tally of one rule over the runs in which it could be judged.

    `faults` are those it should name, `detected` those in which it spoke.
    """
    tally = Tally()
    for run, answer in answers.items():
        if rule not in answer.evaluated:
            continue
        own = [finding for finding in answer.findings if finding.rule == rule]
        early = _false(run, own)
        tally.quiet_steps += run.steps if run.onset is None else max(0, run.onset - EARLY)
        tally.false_alarms += len(early)
        tally.false_criticals += sum(finding.severity is Severity.CRITICAL for finding in early)
        for fault in run.faults:
            late = [finding for finding in own if finding.first_step >= fault.onset - EARLY]
            if rule in fault.root:
                tally.faults += 1
                tally.detected += bool(late)
            if late and rule in fault.root | fault.also:
                tally.delays.append(max(0, min(finding.detected_step for finding in late) - fault.onset))
            tally.strangers += bool(late) and rule not in fault.root | fault.also | run.excused
    return tally
