"""What the feed tells the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from rldk_tui.summary.runs import RunRow
    from rldk_tui.tui.view import View


class _Newest(Message):
    """A message of which only the newest is worth handling."""

    def can_replace(self, message: Message) -> bool:
        """Whether this one takes the place of one still in the queue."""
        return type(message) is type(self)


class HealthUpdated(_Newest):
    """The run was looked at."""

    def __init__(self, view: View) -> None:
        self.view = view
        super().__init__()


class Waiting(_Newest):
    """There is no run yet; `seconds` is for how long it has been waited."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__()


class Loaded(Message):
    """Everything the screens need is imported."""


class RunsRead(_Newest):
    """The runs of a folder were looked at; `reading` is whether there is more to read."""

    def __init__(self, rows: tuple[RunRow, ...], reading: bool) -> None:
        self.rows = rows
        self.reading = reading
        super().__init__()


class FeedFailed(Message):
    """The run cannot be looked at; the app ends and says why."""

    def __init__(self, failure: BaseException) -> None:
        self.failure = failure
        super().__init__()


class Repointed(Message):
    """The path that is followed leads to another run than before."""

    def __init__(self, path: str, name: str) -> None:
        self.path = path
        self.name = name
        super().__init__()
