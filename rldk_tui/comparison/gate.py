"""Whether a run is worse than a baseline: what CI asks before a change of a recipe is taken."""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.comparison.compare import Pair, compare
from rldk_tui.comparison.differences import Difference, worst
from rldk_tui.comparison.judgement import Outcome
from rldk_tui.errors import UserError
from rldk_tui.events import Severity
from rldk_tui.session import RunHealth


@dataclass(frozen=True, slots=True)
class Gate:
    """A run against its baseline.

    Attributes:
        new: Findings at or above the threshold that the baseline has not, or has milder: rule, and severity in either.
    """

    baseline: RunHealth
    pair: Pair
    new: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing is worse."""
        return not self.new and (self.pair.aim is None or self.pair.aim.outcome is not Outcome.WORSE)


def gate(run: RunHealth, baseline: RunHealth, fail_on: Severity) -> Gate:
    """Compare a run with its baseline.

    Raises:
        UserError: if the baseline is none for this run: another kind of training, the run itself, nothing that both log, or
            too little of it to tell a difference from noise.
    """
    mine, other = run.snapshot.info.algorithm, baseline.snapshot.info.algorithm
    if run.directory.resolve() == baseline.directory.resolve():
        raise UserError("The baseline is the run itself.", "Name the run directory of an earlier training.")
    if mine is not None and other is not None and mine is not other:
        raise UserError(
            f"{baseline.snapshot.name} is no baseline for {run.snapshot.name}: one is {other.value}, the other {mine.value}.",
            "Name a run of the same trainer.",
        )
    pair = compare((baseline, run)).pairs[0]
    if pair.aim is None or pair.aim.outcome is Outcome.UNKNOWN:
        about = "no metric that says which is better" if pair.aim is None else f"too little of {pair.aim.metric}"
        raise UserError(
            f"{baseline.snapshot.name} is no baseline for {run.snapshot.name}: both log {about}.",
            "A baseline has run at least as far as the run, with at least 20 logs in common; more where neighbours resemble "
            "each other.",
        )
    before, now = worst(baseline), worst(run)
    new = tuple(
        Difference(rule, before.get(rule), severity)
        for rule, severity in now.items()
        if Severity(severity).rank >= fail_on.rank
        and (rule not in before or Severity(before[rule]).rank < Severity(severity).rank)
    )
    return Gate(baseline, pair, new)
