"""The one door for every face: open a run, poll its health.

A report polls once, the monitor polls on a timer; both get the same `RunHealth`. This is the only place that reads the
clock and asks the operating system about the training process.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from rldk_tui.analysis import Gathered, RewardAccount, RewardRecord, with_samples
from rldk_tui.analysis.saved_checkpoints import SavedCheckpoints, saved_checkpoints
from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.engine import Engine
from rldk_tui.diagnosis.findings import Diagnosis, NotEvaluated, RuleFailure
from rldk_tui.diagnosis.settings import NO_SETTINGS, Settings, configured, read_settings
from rldk_tui.diagnosis.verdict import judge
from rldk_tui.events import Completions, Event, Finding, Origin, ReadProblem
from rldk_tui.ingest import Batch, Follower, locate, rows_of
from rldk_tui.metrics import Band, lookup
from rldk_tui.run import LoggedGenerations, RunSnapshot, RunStore
from rldk_tui.scoring import Score
from rldk_tui.statistics.windows import Floats
from rldk_tui.system import process_is_alive
from rldk_tui.system.heap import give_back_freed_memory

PIECE = 16 * 1024 * 1024
"""Bytes of logs that are read before what they say is taken in: generations of a second or two."""
MANY_ROWS = 100_000
"""Rows that wait to be judged from which on they are shown before that: it takes a second or more."""
_GROWN = 1000
"""Rows that are many to come at one look."""
_AFTER_MANY, _NOW_AND_THEN = 4, 30
"""Looks after which memory of a long run is handed back."""
FIRST_PIECE = 1024 * 1024
"""The first piece where each is shown; every further one is twice as large, for the whole run is judged after each."""
_NOTHING_SAID = Diagnosis(findings=(), evaluated=(), not_evaluated=(), failures=())
Disorder: TypeAlias = Callable[[Sequence[str]], Floats]


@dataclass(frozen=True, slots=True)
class RunHealth:
    """What is known and judged of a run at one moment: the value every face shows.

    Attributes:
        directory: The run directory as it was opened.
        snapshot: The facts.
        findings: Worst first; an open one before a closed one of the same severity.
        evaluated: Ids of the rules that could be judged.
        not_evaluated: Rules that say nothing of this run, with why and what to log.
        rule_failures: Rules that broke; never silence.
        score: The health score with its reasons.
        sources: The files that were read, each with its format.
        vanished: Whether the run directory is not there now; everything else is what was last known.
        settings: What was set for it in `rldk.toml`.
        deleted: Paths of its checkpoints, as the log names them, that are not there now.
        more: Whether there is more of the run to read or to judge than was so far.
        unjudged: Rows that are shown and not judged yet: the findings and the score are of the rows before them.
        rewards: What the rewards of all its generations tell; None where none was scored.
        text: Tells of texts how far they are from being any.
    """

    directory: Path
    snapshot: RunSnapshot
    findings: tuple[Finding, ...]
    evaluated: tuple[str, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    rule_failures: tuple[RuleFailure, ...]
    score: Score
    sources: tuple[Origin, ...] = ()
    vanished: bool = False
    settings: Settings = NO_SETTINGS
    deleted: frozenset[str] = frozenset()
    more: bool = False
    unjudged: int = 0
    rewards: RewardAccount | None = None
    text: Disorder | None = None

    def disorder(self, reply: str) -> float | None:
        """How far a reply is from being text, by the text of this run (`analysis.gibberish`); None where nothing tells."""
        found = math.nan if self.text is None else float(self.text([reply])[0])
        return found if math.isfinite(found) else None

    def checkpoints(self) -> SavedCheckpoints:
        """What is recorded of its checkpoints; made anew each time, in time that grows with the log."""
        return saved_checkpoints(self.snapshot, self.deleted)

    def generations(self, logged: LoggedGenerations) -> Completions | ReadProblem:
        """The texts of a step: from memory, else read again; a problem where they are not to be had any more."""
        held = self.snapshot.completions
        known = next((event for event in held if (event.step, event.phase) == logged.key), None)
        return known or rows_of(self.directory, logged.source, logged.step, logged.phase)

    def band(self, metric: str) -> Band | None:
        """Normal values of a metric in this run: those that were set for it, or the catalogue's."""
        return self.settings.bands.get(metric) or lookup(metric).band_in(self.snapshot.info.algorithm)


class RunSession:
    """One opened run. Not thread-safe: whoever polls does all the polling.

    What is set in `rldk.toml` is read once, at the beginning.
    """

    def __init__(self, directory: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.directory = directory
        self.settings = read_settings(directory)
        self._clock = clock
        self._follower = Follower(directory)
        self._piece = FIRST_PIECE
        self._shown = self._judged = self._tidy = self._looks = 0
        self._store = RunStore(directory.resolve().name)
        self._gathered, self._rewards = Gathered(), RewardRecord()
        self.rules = configured(load_rules(), self.settings)
        self._engine = Engine(self.rules)
        self._diagnosis = _NOTHING_SAID

    @classmethod
    def open(cls, path: str | Path) -> RunSession:
        """A session on an existing run directory, a link to one, or a folder of runs (then its newest run).

        Raises:
            UserError: if there is no run there, the hint says what was looked for; or if an `rldk.toml` is not valid.
        """
        return cls(locate(Path(path)))

    def poll(self, *, whole: bool = True, far: Callable[[int, int], None] | None = None) -> RunHealth:
        """Take in what is new in the run directory and judge it.

        Costs time in proportion to what is new, not to the length of the run, and memory for a piece of that at once.

        Args:
            whole: Whether to read and judge everything that is new; else one piece of it, and `more` of the result says that
                there is more. Of a long run all is read and shown before all is judged; the first pieces are judged at once.
            far: Is told after each piece how many bytes were read, and of how many.
        """
        piece = PIECE if whole else self._piece
        batch = self._take_piece(piece)
        self._piece = min(2 * self._piece, PIECE)
        while whole and batch.more:
            if far is not None:
                far(*self._follower.progress())
            self._store.release()
            batch = self._take_piece(PIECE)
        snapshot = self._snapshot(batch)
        rows = sum(len(segment.rows) for segment in snapshot.segments)
        behind = batch.more and piece == PIECE and rows > self._judged
        shown_first = not whole and (behind or (rows > self._shown and rows > self._judged + MANY_ROWS))
        if not shown_first:
            self._diagnosis = self._engine.diagnose(snapshot)
        sources = self._follower.sources()
        health = health_of(self.directory, snapshot, self._engine, sources, self.settings, self._diagnosis)
        self._give_back(rows, judged=not shown_first)
        return replace(
            health,
            vanished=batch.vanished,
            deleted=_deleted(self.directory, snapshot),
            more=batch.more or shown_first,
            unjudged=rows - self._judged,
            rewards=self._rewards.account(),
            text=self._gathered.text.disorder,
        )

    def read(self) -> RunSnapshot:
        """Take in all that is new and judge nothing of it."""
        batch = self._take_piece(PIECE)
        while batch.more:
            self._store.release()
            batch = self._take_piece(PIECE)
        return self._snapshot(batch)

    def _snapshot(self, batch: Batch) -> RunSnapshot:
        info = self._store.info()
        alive = process_is_alive(info.pid, info.host, info.started_at)
        return self._store.snapshot(self._clock(), batch.problems, self._store.pulse(process_alive=alive))

    def _give_back(self, rows: int, *, judged: bool) -> None:
        """Keep no more memory than the next look needs.

        What many new rows were read and judged with goes at once, what a face read of them at the looks after that. Then it
        is done now and then: what a look at a single row reads again would cost more than it holds.
        """
        many = rows > self._shown + _GROWN or (judged and rows > self._judged + _GROWN)
        self._looks = 0 if many else self._looks + 1
        if self._looks < _AFTER_MANY or self._looks % _NOW_AND_THEN == 0:
            self._store.release()
        self._shown = rows
        if judged:
            self._judged = rows
            if rows > self._tidy + MANY_ROWS:
                give_back_freed_memory()
                self._tidy = rows

    def _take_piece(self, most: int) -> Batch:
        batch = self._follower.poll(most)
        if batch.restarted:
            self._store = RunStore(self.directory.resolve().name)
            self._gathered, self._rewards = Gathered(), RewardRecord()
            self._engine, self._diagnosis = Engine(self.rules), _NOTHING_SAID
            self._shown = self._judged = self._tidy = self._looks = 0
        for source in batch.rewritten:
            self._store.rewrite(source)
        for event, origin in with_samples(batch.events, self._gathered):
            self._store.add(event, origin)
            if isinstance(event, Completions):
                self._rewards.add(event)
        return batch

    def take(self, events: Iterable[Event], origin: Origin) -> None:
        """Take in events that lie elsewhere than in the run directory; the next poll judges them too."""
        for event in events:
            self._store.add(event, origin)


def _deleted(directory: Path, snapshot: RunSnapshot) -> frozenset[str]:
    """The checkpoints that were there and are not: the Trainer keeps the newest few (`save_total_limit`)."""
    paths = {checkpoint.path for checkpoint in snapshot.checkpoints}
    return frozenset(path for path in paths if not (directory / path).is_dir())


def health_of(
    directory: Path,
    snapshot: RunSnapshot,
    engine: Engine,
    sources: tuple[Origin, ...] = (),
    settings: Settings = NO_SETTINGS,
    diagnosis: Diagnosis | None = None,
) -> RunHealth:
    """Facts, findings and score in one value; the findings are those of a diagnosis made earlier, or made now."""
    diagnosis = diagnosis or engine.diagnose(snapshot)
    return RunHealth(
        directory=directory,
        snapshot=snapshot,
        findings=diagnosis.findings,
        evaluated=diagnosis.evaluated,
        not_evaluated=diagnosis.not_evaluated,
        rule_failures=diagnosis.failures,
        score=judge(diagnosis, snapshot, engine.rules),
        sources=sources,
        settings=settings,
    )
