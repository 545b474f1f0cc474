"""What is wrong with a file of a checkpoint: a value, never an exception, so that everything else is still looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_SHOWN = 80
"""Characters of a name in a message: names come from the file and may be of any length."""


@dataclass(frozen=True, slots=True)
class FileProblem:
    """One thing that is wrong with one file.

    Attributes:
        kind: A short stable id, such as `truncated`.
        source: The file's name, relative to the checkpoint's folder.
        message: One sentence.
        advice: What to do about it.
        tensor: The first tensor it concerns, None if it concerns the file.
    """

    kind: str
    source: str
    message: str
    advice: str = ""
    tensor: str | None = None


COPY_AGAIN = "Copy or save the checkpoint again; resume from an earlier one if this is the only copy."
NOT_WRITTEN_BY_A_LIBRARY = "Save it again with the current safetensors library; do not load a file of unknown origin."


def named(name: str) -> str:
    """A name out of a file, quoted, escaped and bounded."""
    return repr(name if len(name) <= _SHOWN else name[:_SHOWN] + "…")


def of_tensors(kind: str, source: str, names: Sequence[str], what: str, advice: str) -> FileProblem:
    """One problem that several tensors of a file share: the first of them is named, the others are counted.

    Args:
        kind: Its id.
        source: The file.
        names: The tensors, at least one.
        what: What is wrong, as the rest of a sentence after the tensor's name.
        advice: What to do about it.
    """
    more = len(names) - 1
    others = "" if not more else f" (and {more} other tensor{'s' if more > 1 else ''})"
    return FileProblem(kind, source, f"Tensor {named(names[0])}{others} {what}.", advice, names[0])


def of_system(source: str, failure: OSError) -> FileProblem:
    """What the operating system says of a file that cannot be read."""
    if isinstance(failure, FileChangedError):
        return FileProblem(
            "changed-while-read", source, "The file changed while it was read.", "Look again once it is written."
        )
    if isinstance(failure, NotAFileError):
        return FileProblem("not-a-file", source, f"It is {failure.what}, not a file; it was not opened.", "Remove it.")
    reason = failure.strerror or type(failure).__name__
    advice = "Weights are written with mode 0600: run as their owner, or ask for read permission."
    return FileProblem(
        "unreadable", source, f"It cannot be read ({reason}).", advice if isinstance(failure, PermissionError) else ""
    )


class FileChangedError(OSError):
    """The file is no longer the one that was opened: other size, time of change or inode."""


class NotAFileError(OSError):
    """The path leads to a pipe, a device, a socket or a folder.

    Attributes:
        what: Which of these, with its article.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"is {what}")
        self.what = what
