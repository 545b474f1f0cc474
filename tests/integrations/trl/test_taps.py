"""A listened-to function is the same function to its caller, and is put back however the listeners leave."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from rldk_tui.integrations.trl.taps import Tap


def _add(a: int, b: int = 1) -> int:
    """Adds."""
    if b < 0:
        raise ValueError("negative")
    return a + b


def _tapped(*heard: list[Any]) -> tuple[dict[str, Any], list[Tap]]:
    names: dict[str, Any] = {"add": _add}
    taps = [Tap(names, "add", lambda *arguments, to=to, **named: to.append((*arguments, named))) for to in heard]
    for tap in taps:
        tap.open()
    return names, taps


def test_the_caller_sees_no_difference_and_the_listener_sees_the_call() -> None:
    heard: list[Any] = []
    names, (tap,) = _tapped(heard)
    assert names["add"](1, b=2) == 3
    assert (names["add"].__name__, names["add"].__doc__) == ("_add", "Adds.")
    with pytest.raises(ValueError, match="negative"):
        names["add"](1, b=-1)
    assert heard == [(3, 1, {"b": 2})]
    tap.close()
    assert names["add"] is _add


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_listeners_either_may_leave_first(order: tuple[int, int]) -> None:
    heard: tuple[list[Any], list[Any]] = ([], [])
    names, taps = _tapped(*heard)
    taps[order[0]].close()
    names["add"](1)
    assert [len(each) for each in heard] == [int(index == order[1]) for index in (0, 1)]
    taps[order[1]].close()
    assert names["add"] is _add


def test_whoever_replaced_the_function_meanwhile_keeps_it() -> None:
    heard: list[Any] = []
    names, (tap,) = _tapped(heard)
    inner = names["add"]

    def theirs(left: int) -> Any:
        return inner(left) * 10

    names["add"] = theirs
    tap.close()
    assert names["add"] is theirs
    assert names["add"](1) == 20
    assert heard == []


def test_calls_of_another_thread_are_not_heard() -> None:
    heard: list[Any] = []
    names, (tap,) = _tapped(heard)
    other = threading.Thread(target=names["add"], args=(1,))
    other.start()
    other.join()
    assert heard == []
    tap.close()
    tap.close()
