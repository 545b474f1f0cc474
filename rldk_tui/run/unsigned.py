"""What no process signed, and whose it is: the rows of sources that do not know the training process, and measurements.

Such a source is a *document*: a `trainer_state.json`, a W&B file, a CSV, a captured console. Where it is the only one, its
rows are the run's history as they are. Where there are others, a row joins the launch whose numbers it repeats, whatever was
read first, and rows ahead of a launch follow the rows before them. Rows that nobody else logged stand by themselves before
all launches: those of the document with the most trainings in it give the segments, the others join them, and a document
that contradicts them, or only numbers its rows where they know their steps, stands apart before them. A console is the last
resort: beside others its rows count only where they agree with theirs, or are ahead of such.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import msgspec

from rldk_tui.events import Measured, Metrics, Origin, RunDescribed, RunEnded
from rldk_tui.events.entries import Entries
from rldk_tui.run.columns import Table
from rldk_tui.run.document import Document, Part, Placed, compared, entries_of
from rldk_tui.run.info import RunInfo, info_of
from rldk_tui.run.launch import ROUNDED, SAME_NUMBER, Entry, Launch, launch_of_step, named

LAST_RESORT = 1
"""Authority up to which a source's steps and numbers are too rough to stand beside another's."""
_STEPS_A_ROW = "steps_a_row"


class Unsigned:
    """Keeps documents and measurements, and finds the launch of each row.

    Attributes:
        due: Whether something changed since the launches were found.
        tailable: Whether a document grows while the run lives.
    """

    def __init__(self, launches: list[Launch]) -> None:
        self.due = False
        self.tailable = False
        self._signed = launches
        self._documents: dict[str, Document] = {}
        self._rewritten: set[str] = set()
        self._measured: dict[tuple[str, int], tuple[Measured, int]] = {}
        self._placed: dict[int, dict[tuple[str, int], Placed]] = {}
        self._anonymous: list[Launch] = []
        self._apart: list[Launch] = []
        self._ledger: Document | None = None
        self._settled = False
        self._dropped: set[int] = set()
        self._ahead = math.inf

    def rewrite(self, source: str) -> None:
        """A document is about to be read anew: what it said before no longer counts."""
        self._rewritten.add(source)
        if self._documents.pop(source, None) is not None:
            self.due = True

    def knows(self, source: str) -> bool:
        """Whether a source said something without signing it."""
        return source in self._documents

    def vouched_for(self, source: str) -> bool:
        """Whether better sources know every step that a last resort's rows may stand at, so that where those stand is sure."""
        document = self._documents.get(source)
        if document is None or document.authority > LAST_RESORT:
            return False
        better = [other.last_step for other in self._documents.values() if other.length and other.authority > LAST_RESORT]
        better += [launch.step for launch in self._signed if launch.step is not None]
        stride = self._stride(document)
        return bool(better) and max((part.at_steps(stride).step or 0 for part in document.parts), default=0) <= max(better)

    def contested(self) -> bool:
        """Whether rows of a launch may be those of a document too."""
        return bool(self._anonymous or self._apart or self._placed)

    def describe(self, event: RunDescribed, origin: Origin) -> None:
        """Facts about the run."""
        document = self._document(origin)
        document.info = info_of(event).completed_by(document.info)
        self.due = True

    def begin(self, origin: Origin) -> None:
        """Another training begins in a document."""
        document = self._document(origin)
        if document.parts[-1].length:
            document.parts.append(self._part(origin.source, len(document.parts)))

    def end(self, event: RunEnded, origin: Origin) -> None:
        """A document says that training is over."""
        document = self._document(origin)
        document.ended_at = event.step
        document.failure = event.reason if event.failed else None
        self.due = True

    def add(self, event: Metrics, origin: Origin) -> None:
        """Take in one row."""
        document = self._document(origin)
        part = document.parts[-1]
        before = part.launch.table.last_step
        if event.counted:
            part.numbered.put(event.step, event.time, named(event), origin.authority)
        else:
            part.launch.put(event, origin.authority)
            if math.isfinite(event.time):
                part.launch.pace.step(event.step, event.time)
        self.tailable = self.tailable or not document.rewritten
        behind = before is None or event.step < before or event.counted
        if self.due or self._alone() is document or (not behind and self._follow(document, part, event)):
            return
        self.due = True

    def add_many(self, entries: Entries, origin: Origin) -> bool:
        """Take in many rows as columns; False where they must come one by one, as others may have a claim on them."""
        document = self._document(origin)
        launch = document.parts[-1].launch
        others = any(other.length for other in self._documents.values() if other is not document)
        if self._signed or others or self._measured or not launch.takes_many(entries, origin.source, origin.authority):
            return False
        launch.put_many(entries, origin.source, origin.authority)
        self.tailable = self.tailable or not document.rewritten
        return True

    def _follow(self, document: Document, part: Part, event: Metrics) -> bool:
        """Put a row at the end of a document beside the launch it is of, if nothing else can change by that."""
        if part.home is None or event.step in self._dropped:
            return False
        entry = Entry(event.step, event.time, named(event))
        if not self._signed:
            return self._append(document, part.home, entry)
        if self._anonymous or self._apart or event.step in self._placed:
            return False
        home = self._signed_home(entry, document)
        if home is None and entry.step <= (part.home.step or 0):
            return False
        part.home = home or part.home
        self._put(Placed(part.home, entry, document.authority), (document.source, len(document.parts)))
        return True

    def _append(self, document: Document, home: Launch, entry: Entry) -> bool:
        """The same where nobody signed anything: not while it is open which documents tell of one training."""
        if document.authority <= LAST_RESORT and self._better():
            certain = bool(home.agrees(entry.step, entry.values, ROUNDED))
        else:
            known = any(launch.table.has_step(entry.step) for launch in self.launches())
            certain = entry.step < self._ahead and (self._settled or not known)
        if certain:
            home.take(entry, document.authority)
        return certain

    def measure(self, event: Measured, source: str, authority: int) -> None:
        """Put a measurement beside the log entry of its step; a file that no process signed belongs to who got there."""
        earlier = self._measured.get((source, event.step))
        joined = bool(self._measured) and not self.due
        event = _with_earlier(earlier, event)
        self._measured[source, event.step] = event, authority
        home, key = self._who_reached(event.step), (source, 0)
        before = self._placed.get(event.step, {}).get(key)
        entry = Entry(event.step, event.time, event.values, event.named)
        if home is not None and (before is None or before.launch is home):
            self._put(Placed(home, entry, authority), key)
        elif joined and earlier is None and self._anonymous and not self._signed:
            self._anonymous[-1].stand_beside(entry, authority)  # where `join` would put the last measurement of all
        else:
            self.due = True

    def noticed(self, launch: Launch, event: Metrics) -> None:
        """A launch logged an entry: what was put elsewhere may be of it."""
        if event.step in self._dropped or any(
            one.table.has_step(event.step) and one.agrees(event.step, named(event)) is not False
            for one in (*self._anonymous, *self._apart)
        ):
            self.due = True  # a document's row that nobody had logged is this one
        elif any(place.launch is not launch and place.launch in self._signed for place in self._at(event.step)):
            self.due = True  # what was put beside another launch's log may be of this one

    def _at(self, step: int) -> Iterator[Placed]:
        return iter(self._placed.get(step, {}).values())

    def _put(self, place: Placed, key: tuple[str, int]) -> None:
        place.launch.stand_beside(place.entry, place.authority)
        self._placed.setdefault(place.entry.step, {})[key] = place

    def _document(self, origin: Origin) -> Document:
        document = self._documents.get(origin.source)
        if document is None:
            parts = [self._part(origin.source, 0)]
            document = Document(origin.source, origin.authority, parts, rewritten=origin.source in self._rewritten)
            self._documents[origin.source] = document
        return document

    def _part(self, source: str, index: int) -> Part:
        launch = Launch(key=source if index == 0 else f"{source}#{index + 1}", process="", started_at=-math.inf)
        return Part(launch)

    def _alone(self) -> Document | None:
        """The document that is all there is."""
        if self._signed or self._measured:
            return None
        with_rows = [document for document in self._documents.values() if document.length]
        return with_rows[0] if len(with_rows) == 1 else None

    def _stride(self, document: Document) -> int:
        """How many steps lie between two numbered rows: what the settings say, else what the document found out."""
        others = [known.info for known in self._documents.values()]
        for info in (*(launch.info for launch in reversed(self._signed)), *others):
            told = info.setting("logging_steps")
            if told is not None and told >= 1:
                return int(told)
        told = document.info.setting(_STEPS_A_ROW)
        return int(told) if told is not None and told >= 1 else 1

    def join(self) -> None:
        """Find the launch of every row anew, if something changed."""
        alone = self._alone()
        if alone is not None:
            for place in (place for places in self._placed.values() for place in places.values()):
                place.launch.withdraw(place.entry, place.authority)
            self._placed = {}
            stride = self._stride(alone)
            self._apart, self._dropped, self._ahead = [], set(), math.inf
            self._anonymous = [part.at_steps(stride) for part in alone.parts if part.length]
            for part in alone.parts:
                part.home = part.at_steps(stride) if part.length else None
            self._end_by(alone)
        elif self.due:
            self._join_all()
        self.due = False

    def _join_all(self) -> None:
        self._anonymous, self._apart, self._ledger, self._dropped, self._ahead = [], [], None, set(), math.inf
        placed: dict[int, dict[tuple[str, int], Placed]] = {}
        for key, place in self._places():
            if place.launch in self._signed:
                placed.setdefault(place.entry.step, {})[key] = place
        for step, places in self._placed.items():
            for key, before in places.items():
                now = placed.get(step, {}).get(key)
                if now is None or now.launch is not before.launch:
                    before.launch.withdraw(before.entry, before.authority)
        for _, places in sorted(placed.items()):
            for place in places.values():
                place.launch.stand_beside(place.entry, place.authority)
        self._placed = placed
        better = self._better()
        documents = [document for document in self._documents.values() if document.authority > LAST_RESORT or not better]
        self._settled = all(part.settled for document in documents for part in document.parts if part.length)
        for document in self._documents.values():
            self._end_by(document)

    def _places(self) -> Iterator[tuple[tuple[str, int], Placed]]:
        """Whose is what: the rows of documents, those that give the segments first, and measurements."""
        for document in self._in_order():
            for index, part in enumerate(document.parts, 1):
                for entry in self._homes_of(document, part, index):
                    home = part.home
                    assert home is not None  # noqa: S101 - a row without one is left out
                    yield (document.source, index), Placed(home, entry, document.authority)
        for (name, step), (measured, authority) in self._measured.items():
            entry = Entry(step, measured.time, measured.values, measured.named)
            launch = self._who_reached(step)
            if launch is None:
                if not self._anonymous:
                    self._anonymous.append(Launch(key=name, process="", started_at=-math.inf))
                launch = self._anonymous[-1]
                launch.stand_beside(entry, authority)
            yield (name, 0), Placed(launch, entry, authority)

    def _homes_of(self, document: Document, part: Part, index: int) -> Iterator[Entry]:
        """The rows of a part, each once its launch is `part.home`; those that nothing vouches for are left out."""
        own: Launch | None = None
        part.home = None
        table = part.at_steps(self._stride(document)).table
        dropped = document.authority <= LAST_RESORT and self._better()
        for entry in entries_of(table):
            home = self._home(entry, document, part, dropped=dropped)
            if home is None and dropped:
                self._dropped.add(entry.step)
                continue
            if home is None:
                own = own or self._anonymous_for(document, part, table, index)
                home = own
            if home not in self._signed:
                home.take(entry, document.authority)
            part.home = home
            yield entry

    def _in_order(self) -> list[Document]:
        """The document with the most trainings first, the roughest last; among equals the more trusted, then the newest."""
        documents = [document for document in self._documents.values() if document.length]
        documents.sort(key=lambda one: one.source, reverse=True)
        return sorted(
            documents, key=lambda one: (one.authority <= LAST_RESORT, one.only_numbered, -len(one.parts), -one.authority)
        )

    def _better(self) -> bool:
        """Whether somebody else than a last resort has rows."""
        return bool(self._signed) or any(other.length and other.authority > LAST_RESORT for other in self._documents.values())

    def _home(self, entry: Entry, document: Document, part: Part, *, dropped: bool) -> Launch | None:
        """The signed launch a row is of, or for a row that must be vouched for any launch that has its numbers."""
        home = self._signed_home(entry, document)
        if home is None and dropped:
            home = next((one for one in reversed(self.launches()) if one.agrees(entry.step, entry.values, ROUNDED)), None)
        before = part.home
        if home is None and before is not None and (before in self._signed or dropped):
            home = before if entry.step > (before.step or 0) else None  # ahead of what the launch's own log shows
            self._ahead = min(self._ahead, entry.step) if home is not None and dropped else self._ahead
        return home

    def _signed_home(self, entry: Entry, document: Document) -> Launch | None:
        if document.authority > LAST_RESORT:
            return launch_of_step(self._signed, entry.step, entry.values)
        return next((one for one in reversed(self._signed) if one.agrees(entry.step, entry.values, ROUNDED)), None)

    def _anonymous_for(self, document: Document, part: Part, table: Table, index: int) -> Launch:
        """Where the rows of a part stand that nobody signed: with those they agree with, apart if they contradict."""
        first = not self._anonymous
        part.settled = True
        undecided: Launch | None = None
        for launch in (*self._anonymous, *self._apart):
            verdict, settled = compared(table, launch, ROUNDED if document.authority <= LAST_RESORT else SAME_NUMBER)
            part.settled &= settled
            if verdict:
                return launch
            if verdict is None and launch in self._anonymous and undecided is None:
                undecided = launch
        if undecided is not None and index == 1 and not document.only_numbered:
            return undecided
        launch = Launch(key=document.source if index == 1 else f"{document.source}#{index}", process="", started_at=-math.inf)
        same = first or document is self._ledger
        (self._anonymous if same else self._apart).append(launch)
        self._ledger = document if first else self._ledger
        return launch

    def _who_reached(self, step: int) -> Launch | None:
        """The newest launch that logged this step, else the newest that can have."""
        newest_first = self._signed[::-1]
        logged = next((launch for launch in newest_first if launch.logged(step)), None)
        return logged or next((launch for launch in newest_first if launch.info.first_step < step), None)

    def _end_by(self, document: Document) -> None:
        """A final state is the end of the launch its rows are of; without rows, of the newest if that got just as far."""
        home = document.home or next((one for one in self._signed[-1:] if one.step == document.ended_at), None)
        if home is None or document.ended_at is None:
            return
        if home not in self._signed or document.ended_at == home.step:
            if document.failure is None:
                home.end("finished", document.ended_at)
            elif home.over is None:  # what failed after the training's last words was not the training
                home.fail(document.failure, document.ended_at)
        home.ended_later = document.ended_at > (home.step or 0)

    def launches(self) -> list[Launch]:
        """The launches nobody signed, in order, those that stand apart first."""
        return [launch for launch in (*reversed(self._apart), *self._anonymous) if launch.table.length]

    def release(self) -> None:
        """Hand back the memory of what was read lately of a long file; nothing is lost."""
        for launch in (
            *self._anonymous,
            *self._apart,
            *(part.launch for one in self._documents.values() for part in one.parts),
        ):
            launch.table.release()

    def completed(self, info: RunInfo, launch: Launch | None) -> RunInfo:
        """The facts of a launch, completed by what the documents tell of it."""
        for document in sorted(self._documents.values(), key=lambda known: (-known.authority, -known.last_step)):
            if document.home is None or document.home is launch:
                info = info.completed_by(document.info)
        if _STEPS_A_ROW in info.config:
            info = replace(info, config={name: value for name, value in info.config.items() if name != _STEPS_A_ROW})
        return info


def _with_earlier(before: tuple[Measured, int] | None, event: Measured) -> Measured:
    """All that a source measured at one step: it may tell of it in several events."""
    if before is None:
        return event
    earlier = before[0]
    return msgspec.structs.replace(event, values={**earlier.values, **event.values}, named={**earlier.named, **event.named})
