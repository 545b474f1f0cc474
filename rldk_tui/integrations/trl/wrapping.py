"""Methods of one living object, replaced by others that call them, and put back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_NONE = object()


class Wrapping:
    """Replacements made on objects (never on their classes), undone together.

    Somebody else may have wrapped the same method after us. It then stays in the chain: `active` is False, and a
    replacement that asks for it does nothing but call the original.
    """

    def __init__(self) -> None:
        self.active = True
        self._done: list[tuple[Any, str, Any, Any]] = []

    def wrap(self, owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> bool:
        """Replace `owner.name` by `make(original)`; False where it has no such method."""
        original = getattr(owner, name, None)
        if not callable(original):
            return False
        replacement = make(original)
        own = vars(owner).get(name, _NONE)
        setattr(owner, name, replacement)
        self._done.append((owner, name, own, replacement))
        return True

    def undo(self) -> None:
        """Put everything back that is still ours to put back."""
        self.active = False
        done, self._done = self._done, []
        for owner, name, own, replacement in reversed(done):
            if vars(owner).get(name) is not replacement:
                continue
            if own is _NONE:
                delattr(owner, name)
            else:
                setattr(owner, name, own)
