"""The commit a training script runs from, read from `.git` itself: no process is started."""

from __future__ import annotations

import re
from pathlib import Path

_REVISION = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def git_revision(folder: Path) -> str | None:
    """The full id of the commit checked out around `folder`; None outside a repository or before the first commit.

    Raises:
        OSError: if the repository cannot be read.
    """
    for parent in (folder.resolve(), *folder.resolve().parents):
        marker = parent / ".git"
        if marker.is_dir():
            return _head(marker)
        if marker.is_file():  # a worktree or submodule: the file names the real folder
            return _head(parent / marker.read_text(encoding="utf-8").removeprefix("gitdir:").strip())
    return None


def _head(repository: Path) -> str | None:
    head = _line(repository / "HEAD")
    if not head.startswith("ref:"):
        return _checked(head)
    name = head.removeprefix("ref:").strip()
    shared = _line(repository / "commondir")  # a worktree keeps its branches with the repository it belongs to
    homes = [repository, repository / shared] if shared else [repository]
    for home in homes:
        found = _checked(_line(home / name)) or _packed(home / "packed-refs", name)
        if found:
            return found
    return None


def _line(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip() if file.is_file() else ""


def _packed(file: Path, name: str) -> str | None:
    lines = _line(file).splitlines()
    return next((_checked(line.split(" ", 1)[0]) for line in lines if line.endswith(f" {name}")), None)


def _checked(text: str) -> str | None:
    return text if _REVISION.fullmatch(text) else None
