"""Methods of one living object, replaced by others that call them, and put back in whatever order."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rldk_tui.integrations.trl.taps import Tapped

_NONE = object()


class _Layer:
    """A replacement, and what it stands before; it can be taken out from between two others.

    Attributes:
        inner: What it calls.
        own: What the object itself held under the name before, as against its class.
    """

    def __init__(self, inner: Callable[..., Any], own: Any, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        functools.update_wrapper(self, inner)
        self.inner: Any = inner
        self.own = own
        self._replacement = make(self._call_inner)

    def _call_inner(self, *arguments: Any, **named: Any) -> Any:
        return self.inner(*arguments, **named)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._replacement(*arguments, **named)


class Wrapping:
    """Replacements made on objects (never on their classes), undone together.

    Where somebody else has wrapped the same method after us, it stays in their chain: `active` is False, and a replacement
    that asks for it does nothing but call the original.
    """

    def __init__(self) -> None:
        self.active = True
        self._done: list[tuple[Any, str, _Layer]] = []

    def wrap(self, owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> bool:
        """Replace `owner.name` by `make(original)`; False where it has no such method."""
        original = getattr(owner, name, None)
        if not callable(original):
            return False
        layer = _Layer(original, vars(owner).get(name, _NONE), make)
        setattr(owner, name, layer)
        self._done.append((owner, name, layer))
        return True

    def undo(self) -> None:
        """Put everything back that is still ours to put back."""
        self.active = False
        done, self._done = self._done, []
        for owner, name, layer in reversed(done):
            current: Any = vars(owner).get(name)
            if current is layer:
                _put_back(owner, name, layer.own)
            while isinstance(current, _Layer):
                if current.inner is layer:
                    current.inner, current.own = layer.inner, layer.own
                current = current.inner


def _put_back(owner: Any, name: str, own: Any) -> None:
    if own is _NONE:
        delattr(owner, name)
    elif isinstance(own, Tapped) and not own.listeners:  # a tap that was closed before us could not put it back
        setattr(owner, name, own.function)
    else:
        setattr(owner, name, own)
