"""`wrap_reward`: a reward function that also tells the callback what it was asked to score, and what it gave.

TRL hands a reward function prompts, completions, their tokens and the trainer's state, and that is public: it needs no
attached trainer. Whose training a call belongs to is told by the state, which the callback is handed too.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from rldk_tui.errors import UserError

_Function = TypeVar("_Function", bound=Callable[..., Any])
_HINT = "wrap the function that is given as reward_funcs=[...], not the list, a model or a model's name"


@dataclass(frozen=True, slots=True)
class Scored:
    """One call of a reward function: references to what TRL handed over, and what came back.

    Attributes:
        function: The name TRL logs it by.
        prompts, completions: As TRL keeps them; the same lists for every function of one batch.
        completion_ids: The tokens of each completion; None where this TRL does not tell.
        rewards: One a completion; None where the function could not score it. None as a whole where the function gave
            something that can be read only once, which is the trainer's.
    """

    function: str
    prompts: Sequence[Any]
    completions: Sequence[Any]
    completion_ids: Sequence[Sequence[int]] | None
    rewards: tuple[Any, ...] | None


Listener = Callable[[Scored], None]
_listeners: dict[int, tuple[Any, Listener]] = {}


def listen(state: Any, listener: Listener) -> None:
    """Have the wrapped functions of the training of this state tell `listener`, which must not raise."""
    _listeners[id(state)] = (state, listener)


def forget(state: Any) -> None:
    """Nobody listens to that training any more."""
    _listeners.pop(id(state), None)


def wrap_reward(function: _Function) -> _Function:
    """The same reward function, whose calls are recorded by the `RLDKCallback` of its training.

    What it returns and raises is passed on untouched, and its name stays, so that the trainer's metrics are named as before.
    Without a callback it does nothing. Several wrapped functions of one trainer give one row a completion with a reward each.

    Args:
        function: A function as TRL takes it, or an `async` one, or an object that is called like one.

    Raises:
        UserError: if it is no function: a reward model, or the name of one.
    """
    _check(function)
    name = name_of(function)
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def asked_async(*arguments: Any, **named: Any) -> Any:
            rewards = await function(*arguments, **named)
            _tell(name, named, rewards)
            return rewards

        return cast("_Function", _called(name, asked_async))

    @functools.wraps(function)
    def asked(*arguments: Any, **named: Any) -> Any:
        rewards = function(*arguments, **named)
        _tell(name, named, rewards)
        return rewards

    return cast("_Function", _called(name, asked))


def _check(function: Any) -> None:
    if isinstance(function, str):
        raise UserError(f"wrap_reward was given the text {function[:80]!r}, which names a model and is no function.", _HINT)
    if isinstance(function, list | tuple):
        raise UserError(f"wrap_reward was given a {type(function).__name__} of {len(function)}, which is no function.", _HINT)
    # every nn.Module has it, and looking for it needs no torch
    if not callable(function) or callable(getattr(function, "register_forward_hook", None)):
        raise UserError(f"wrap_reward was given a {type(function).__name__}, which is no reward function.", _HINT)


def name_of(function: Any) -> str:
    """The name TRL gives a reward function in its metrics."""
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__))


def _called(name: str, wrapper: Any) -> Any:
    wrapper.__name__ = name  # a partial and an object have no name of their own to be copied
    return wrapper


def _tell(name: str, named: Mapping[str, Any], rewards: Any) -> None:
    _, listener = _listeners.get(id(named.get("trainer_state")), (None, None))
    if listener is None or "completions" not in named:
        return
    listener(
        Scored(
            function=name,
            prompts=named.get("prompts", ()),
            completions=named["completions"],
            completion_ids=named.get("completion_ids"),
            rewards=_kept(rewards),
        )
    )


def _kept(rewards: Any) -> tuple[Any, ...] | None:
    """A copy of the rewards; None where looking would use them up."""
    if isinstance(rewards, list | tuple):
        return tuple(rewards)
    tolist = getattr(rewards, "tolist", None)
    if callable(tolist):
        with suppress(TypeError, ValueError, RuntimeError):
            return tuple(tolist())
    return None
