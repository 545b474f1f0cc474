"""Listening to functions that a trainer's loop calls, where the loop keeps its numbers to itself.

A listened-to function is replaced, in the globals of the loop that calls it, by one that calls it, returns what it
returned, and raises what it raised. Listeners hear of the call afterwards. When the last one leaves, the function itself is
put back; where somebody else has replaced it meanwhile, what stays behind passes calls through.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

Listener = Callable[..., None]
"""Called with the result, then with the call's own arguments; it must not raise."""


class Tapped:
    """A function with listeners; it is the function to whoever calls it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.listeners: tuple[Listener, ...] = ()

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """What the function does; the listeners hear of it if it returned."""
        result = self.function(*arguments, **named)
        for listener in self.listeners:
            listener(result, *arguments, **named)
        return result


class Tap:
    """One listener at one name of a loop's globals, heard only for calls of the thread that opened it."""

    def __init__(self, names: dict[str, Any], name: str, listener: Listener) -> None:
        self._names = names
        self._name = name
        self._listener = listener
        self._tapped: Tapped | None = None
        self._thread = 0

    def open(self) -> None:
        """Begin to listen."""
        if self._tapped is not None:
            return
        current = self._names[self._name]
        tapped = current if isinstance(current, Tapped) else Tapped(current)
        self._thread = threading.get_ident()
        tapped.listeners = (*tapped.listeners, self._heard)
        self._tapped = self._names[self._name] = tapped

    def _heard(self, result: Any, *arguments: Any, **named: Any) -> None:
        if threading.get_ident() == self._thread:
            self._listener(result, *arguments, **named)

    def close(self) -> None:
        """Listen no more."""
        tapped = self._tapped
        if tapped is None:
            return
        self._tapped = None
        tapped.listeners = tuple(listener for listener in tapped.listeners if listener != self._heard)
        if not tapped.listeners and self._names[self._name] is tapped:
            self._names[self._name] = tapped.function
