"""The very generations that findings are about: from memory, or read again from where they were recorded."""

from __future__ import annotations

from dataclasses import dataclass, field

from rldk_tui.events import Completions, Finding, Phase
from rldk_tui.report.texts import Text, beginning
from rldk_tui.session import RunHealth

MOST = 3
"""Generations that are shown of one finding."""
LONGEST_PROMPT, LONGEST_COMPLETION = 160, 320
"""Characters shown of a text."""
_MOST_FILES = 24
"""Steps of a report that are read again."""
_LARGEST = 64 * 1024 * 1024
"""Bytes of a file that is read for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One generation; `reward` is the sum over the reward functions that scored it."""

    step: int
    row: int
    reward: float | None
    prompt: Text
    completion: Text


@dataclass(slots=True)
class Examples:
    """Finds them for one report; a step is read once."""

    health: RunHealth
    _read: dict[int, Completions | None] = field(default_factory=dict, init=False)

    def of(self, finding: Finding) -> tuple[Example, ...]:
        """Those of a finding that can be had; none for one that is about no generations, or whose texts are not on record."""
        places = [place for name in finding.evidence.rows if (place := _place(name)) is not None]
        found = (self._example(step, row) for step, row in places[:MOST])
        return tuple(example for example in found if example is not None)

    def _example(self, step: int, row: int) -> Example | None:
        log = self._log(step)
        if log is None or row >= len(log.rows) or log.without_text:
            return None
        completion = log.rows[row]
        return Example(
            step=step,
            row=row,
            reward=completion.total_reward,
            prompt=beginning(completion.prompt, LONGEST_PROMPT),
            completion=beginning(completion.completion, LONGEST_COMPLETION),
        )

    def _log(self, step: int) -> Completions | None:
        held = next((log for log in self.health.snapshot.completions if (log.step, log.phase) == (step, Phase.TRAIN)), None)
        if held is not None:
            return held
        if step not in self._read:
            self._read[step] = self._again(step) if len(self._read) < _MOST_FILES else None
        return self._read[step]

    def _again(self, step: int) -> Completions | None:
        logged = next((one for one in self.health.snapshot.generations if one.key == (step, Phase.TRAIN)), None)
        if logged is None:
            return None
        try:
            large = (self.health.directory / logged.source).stat().st_size > _LARGEST
        except OSError:
            return None
        found = None if large else self.health.generations(logged)
        return found if isinstance(found, Completions) else None


def _place(name: str) -> tuple[int, int] | None:
    """Step and row; None for the name of something else, such as a tensor."""
    step, slash, row = name.partition("/")
    return (int(step), int(row)) if slash and step.isdecimal() and row.isdecimal() else None
