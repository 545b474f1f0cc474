"""The generations of a run: what is known of every step, and the texts of a bounded number of steps.

A long run writes more text than memory holds. In memory are the first steps, the newest, and others drawn over the whole
run; which these are depends on the steps on record alone, not on the order in which they were read. The rows of any other
step are read again from where they were read first (`ingest.rows_of`).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TypeAlias
from zlib import crc32

from rldk_tui.events import Completions, Origin, Phase

FIRST, NEWEST, DRAWN = 4, 8, 20
"""Steps whose texts are in memory: the first, the newest, and those drawn over the run."""
LARGE = 8_000_000
"""Characters of one step's texts beyond which only the newest step is held."""

_Key: TypeAlias = tuple[int, Phase]


@dataclass(frozen=True, slots=True)
class LoggedGenerations:
    """That a step's generations are on record, and where.

    Attributes:
        count: How many.
        left_out: Generations of this step that were sampled and not recorded.
        source: The file that tells of them, relative to the run directory.
        authority: How far it is trusted against another file that tells of the same step.
    """

    step: int
    phase: Phase
    count: int
    left_out: int
    source: str
    authority: int

    @property
    def key(self) -> tuple[int, Phase]:
        """What they are sorted by: the step; of one step, eval before train."""
        return self.step, self.phase


class Generations:
    """Takes in what was logged. Single writer."""

    def __init__(self) -> None:
        self._logged: list[LoggedGenerations] = []
        self._held: dict[_Key, tuple[Completions, int]] = {}

    def add(self, event: Completions, origin: Origin) -> None:
        """Take in one step's generations.

        Of two sources that tell of the same step the higher authority is believed, whichever is read first: TRL's table of
        a step is overwritten by the evaluation of that step. Of two alike it is the last by name.
        """
        new = LoggedGenerations(
            event.step, event.phase, len(event.rows), event.left_out, origin.source, authority=origin.authority
        )
        place = bisect_left(self._logged, new.key, key=lambda logged: logged.key)
        known = self._logged[place] if place < len(self._logged) and self._logged[place].key == new.key else None
        if known is None:
            self._logged.insert(place, new)
        elif (new.authority, new.source) >= (known.authority, known.source):
            self._logged[place] = new
        else:
            return
        self._held[new.key] = event, sum(len(row.prompt) + len(row.completion) for row in event.rows)
        self._let_go()

    def _let_go(self) -> None:
        steps = sorted(self._held)
        held = {*steps[:FIRST], *steps[-NEWEST:], *sorted(steps, key=_lot)[:DRAWN]}
        for key in steps[:-1]:
            if key not in held or self._held[key][1] > LARGE:
                del self._held[key]

    def logged(self) -> tuple[LoggedGenerations, ...]:
        """Every step on record, by step; of one step, eval before train."""
        return tuple(self._logged)

    def held(self) -> tuple[Completions, ...]:
        """Those with their texts, in the same order."""
        return tuple(self._held[key][0] for key in sorted(self._held))


def _lot(key: _Key) -> tuple[int, _Key]:
    """The same draw for the same step, in every run and whatever came before."""
    step, phase = key
    return crc32(f"{step} {phase.value}".encode()), key
