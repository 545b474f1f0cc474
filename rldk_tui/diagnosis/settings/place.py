"""Where in which file a value stands, for errors that name it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from rldk_tui.charts.text import one_line
from rldk_tui.errors import UserError

HINT = "docs/configuration.md has a complete example; rldk rules lists the rules, rldk explain RULE its limits' source."
_MOST_SHOWN = 60
_MOST_NAMES = 12


@dataclass(frozen=True, slots=True)
class Place:
    """A key of a file; `/` goes to a key below it."""

    file: Path
    key: str = ""

    def __truediv__(self, key: str) -> Place:
        bare = key.replace("-", "").replace("_", "").isalnum() and key.isascii()
        name = key if bare else f'"{key}"'
        return Place(self.file, f"{self.key}.{name}" if self.key else name)

    @property
    def source(self) -> str:
        """The file, as it can be shown."""
        return one_line(str(self.file), 5 * _MOST_SHOWN)

    def nth(self, index: int) -> Place:
        """An entry of a list, counted from 1 as people do."""
        return Place(self.file, f"{self.key}[{index + 1}]")

    def wrong(self, allowed: str, value: object = None) -> UserError:
        """The value is not what is allowed: "must be …"."""
        shown = "" if value is None else f", not {shown_value(value)}"
        return UserError(f"{self.source}: {one_line(self.key, 2 * _MOST_SHOWN)} {allowed}{shown}.", HINT)

    def unknown(self, what: str, name: str, known: Collection[str]) -> UserError:
        """There is no such name; the nearest ones are named, or all of a few."""
        near = get_close_matches(name[:_MOST_SHOWN], known, n=3, cutoff=0.6)
        if near:
            advice = f"did you mean {' or '.join(near)}?"
        elif len(known) <= _MOST_NAMES:
            advice = f"known: {', '.join(sorted(known))}."
        else:
            advice = "rldk rules lists them all."
        where = f"{one_line(self.key, 2 * _MOST_SHOWN)}: " if self.key else ""
        return UserError(f"{self.source}: {where}there is no {what} {shown_value(name)}; {advice}", HINT)


def shown_value(value: object) -> str:
    """A value of a file in an error: short, and nothing in it steers a terminal."""
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    return one_line(text.replace("'", '"') if isinstance(value, str) else text, _MOST_SHOWN)
