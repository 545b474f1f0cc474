"""Finds the files of a run directory and asks the readers whose they are.

A folder is listed again only when its own modification time moved, and once more after that (an entry may be added within
the clock's grain of the listing), so an idle poll costs one `stat` a folder. Links to folders are followed, each
folder once; pipes and devices are never opened; what we write ourselves (`rldk/report/`) is never read.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from rldk_tui.checkpoints import step_of
from rldk_tui.events import SUBFOLDER, ReadProblem
from rldk_tui.ingest.declined import NEVER_OPENED, promises_a_log, why_declined
from rldk_tui.readers import HEAD, Format, format_of

DEEPEST = 6
"""Levels below the run directory that are looked at."""
MOST_ENTRIES = 200_000
"""Entries after which a folder is no run directory but a disk."""
_OUR_OUTPUT = PurePath(SUBFOLDER, "report")
_CONCLUSIVE = 64
"""Bytes of a head with which every format can make up its mind."""


@dataclass(slots=True)
class _Folder:
    """A folder as it was listed.

    Attributes:
        files: Names in it that were asked about already, so that the five thousandth costs what the fiftieth did.
    """

    listed_at: int = -1
    settled: bool = False
    files: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Found:
    """A file that a format claimed."""

    path: PurePath
    format: Format


@dataclass(slots=True)
class Discovery:
    """Walks one run directory again and again.

    Attributes:
        found: Claimed files in the order they were found, by their path in the run.
        checkpoints: Folders named `checkpoint-<step>`.
        problems: What could not be looked at.
    """

    root: Path
    found: dict[PurePath, Found] = field(default_factory=dict)
    checkpoints: dict[PurePath, Path] = field(default_factory=dict)
    problems: dict[str, ReadProblem] = field(default_factory=dict)
    _folders: dict[PurePath, _Folder] = field(default_factory=dict)
    _undecided: dict[PurePath, int] = field(default_factory=dict)
    _declined: set[PurePath] = field(default_factory=set)
    _known: dict[tuple[int, int], PurePath] = field(default_factory=dict)
    _entries: int = 0

    def unclaimed(self) -> list[PurePath]:
        """The files that no format has claimed so far."""
        return sorted([*self._declined, *self._undecided])

    def look(self) -> list[Found]:
        """Walk what changed; return the files that were claimed for the first time, sorted by path."""
        new: list[Found] = []
        pending = [PurePath(), *(path for path in self._folders if path != PurePath())]
        seen: set[PurePath] = set()
        while pending:
            path = pending.pop()
            if path not in seen:
                seen.add(path)
                pending.extend(self._list(path, new))
        for path in list(self._undecided):
            self._sniff(path, new)
        return sorted(new, key=lambda found: found.path)

    def _list(self, path: PurePath, new: list[Found]) -> list[PurePath]:
        """List one folder if it changed; return the folders in it, links first: the last is walked first."""
        folder = self._folders.setdefault(path, _Folder())
        try:
            facts = os.stat(self.root / path)  # noqa: PTH116 - one a folder a poll
            if self._known.setdefault((facts.st_dev, facts.st_ino), path) != path:
                return []  # a link to a folder that is walked already
            changed = facts.st_mtime_ns
            if changed == folder.listed_at and folder.settled:
                return []
            folder.settled = changed == folder.listed_at
            folder.listed_at = changed
            with os.scandir(self.root / path) as listing:
                fresh = [entry for entry in listing if entry.name not in folder.files]
        except FileNotFoundError:
            self._folders.pop(path, None)
            return []
        except OSError as failure:
            self._problem(path, f"cannot be listed: {failure.strerror}")
            return []
        return self._sort_out(path, sorted(fresh, key=lambda entry: entry.name), new)

    def _sort_out(self, path: PurePath, entries: list[os.DirEntry[str]], new: list[Found]) -> list[PurePath]:
        folders: list[tuple[bool, PurePath]] = []
        for entry in entries:
            here = path / entry.name
            if _is_folder(entry):
                if step_of(entry.name) is not None:
                    self.checkpoints.setdefault(here, self.root / here)
                if here != _OUR_OUTPUT and not entry.name.startswith(".") and len(here.parts) <= DEEPEST:
                    folders.append((not entry.is_symlink(), here))
            else:
                self._folders[path].files.add(entry.name)
                if self._is_new(here):
                    self._undecided[here] = -1
                    self._sniff(here, new)
        return [here for _, here in sorted(folders)]  # what is there by itself has its own name, not that of a link to it

    def _is_new(self, path: PurePath) -> bool:
        if path in self.found or path in self._undecided or path in self._declined:
            return False
        self._entries += 1
        if self._entries > MOST_ENTRIES:
            self._problem(path.parent, f"more than {MOST_ENTRIES} files: the rest was not looked at")
            return False
        return True

    def _sniff(self, path: PurePath, new: list[Found]) -> None:
        """Ask the formats about a file; one that is still (nearly) empty is asked again when it has grown."""
        file = self.root / path
        try:
            facts = os.stat(file)  # noqa: PTH116 - follows links to files, which is wanted
            if not stat.S_ISREG(facts.st_mode):
                if promises_a_log(path, b""):
                    self._problem(path, NEVER_OPENED)
                self._decline(path)
                return
            if facts.st_size == self._undecided[path]:
                return
            self.problems.pop(str(path), None)
            with file.open("rb") as opened:
                head = opened.read(HEAD)
        except FileNotFoundError:
            self._undecided.pop(path, None)
            if path.parent in self._folders:
                self._folders[path.parent].files.discard(path.name)
            return
        except OSError as failure:
            self._problem(path, f"cannot be opened: {failure.strerror}")
            self._decline(path)
            return
        form = format_of(path, head)
        if form is not None:
            self._undecided.pop(path, None)
            self.found[path] = Found(path, form)
            new.append(self.found[path])
            return
        if promises_a_log(path, head):
            self._problem(path, why_declined(path, head))
        if facts.st_size >= _CONCLUSIVE:
            self._decline(path)
        else:
            self._undecided[path] = facts.st_size

    def _decline(self, path: PurePath) -> None:
        """Nobody's file: remembered so that it is not opened at every listing."""
        self._undecided.pop(path, None)
        self._declined.add(path)

    def _problem(self, path: PurePath, message: str) -> None:
        self.problems[str(path)] = ReadProblem(source=str(path) if path.parts else self.root.name, message=message)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
