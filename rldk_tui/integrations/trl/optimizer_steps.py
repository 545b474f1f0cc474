"""The moments around an optimizer step that a training loop does not tell its callbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rldk_tui.events import Algorithm
from rldk_tui.integrations.trl.part import Part, Training
from rldk_tui.integrations.trl.wrapping import Wrapping

_CLIP = "clip_grad_norm_"


class _Watched:
    """`accelerator.clip_grad_norm_` with listeners; to whoever calls it it is the method itself."""

    def __init__(self, accelerator: Any) -> None:
        self.listeners: tuple[Clipping, ...] = ()
        self._wrapping = Wrapping()
        self.found = self._wrapping.wrap(accelerator, _CLIP, self._around)

    def _around(self, clip: Callable[..., Any]) -> Callable[..., Any]:
        self._clip = clip
        return self

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        for listener in self.listeners:
            listener.before()
        norm = self._clip(*arguments, **named)
        for listener in self.listeners:
            listener.after(norm)
        return norm

    def leave(self, listener: Clipping) -> None:
        self.listeners = tuple(one for one in self.listeners if one is not listener)
        if not self.listeners:
            self._wrapping.undo()


class Clipping:
    """Stands around `accelerator.clip_grad_norm_` of the attached trainer, the last moment at which gradients are whole.

    The call itself is passed through as it is: same arguments, same result, same exceptions.

    Args:
        before: Called before the gradients are clipped.
        after: Called with what the trainer's call returned: the norm before clipping, not waited for.
    """

    def __init__(
        self,
        training: Training,
        task: str,
        *,
        before: Callable[[], None] | None = None,
        after: Callable[[Any], None] | None = None,
    ) -> None:
        self._training, self._task = training, task
        self._before, self._after = before, after
        self._watched: _Watched | None = None
        accelerator = getattr(training.trainer, "accelerator", None)
        if accelerator is None:
            return
        current = getattr(accelerator, _CLIP, None)
        watched = current if isinstance(current, _Watched) else _Watched(accelerator)
        if watched.found:
            watched.listeners = (*watched.listeners, self)
            self._watched = watched
        else:
            training.border.say(f"could not {task} before clipping: the trainer's accelerator has no {_CLIP}")

    def before(self) -> None:
        """Gradients are about to be clipped."""
        if self._before is not None:
            self._training.border.attempt(self._task, self._before)

    def after(self, norm: Any) -> None:
        """They were, and this was their norm."""
        if self._after is not None:
            self._training.border.attempt(self._task, self._after, norm)

    def close(self) -> None:
        """Give the call back."""
        watched, self._watched = self._watched, None
        if watched is not None:
            watched.leave(self)


class InnerSteps:
    """Calls a part's `before_optimizer` and `after_optimizer` at every step of PPO's optimizer.

    TRL's PPO has a loop of its own that tells its callbacks of no optimizer step and makes several in each of its updates.
    Other loops tell, and there this does nothing.
    """

    def __init__(self, training: Training, part: Part) -> None:
        self._hooks: list[Any] = []
        if training.algorithm is not Algorithm.PPO:
            return
        optimizer = _innermost(training.optimizer)
        for register, event in (
            ("register_step_pre_hook", part.before_optimizer),
            ("register_step_post_hook", part.after_optimizer),
        ):
            hook = getattr(optimizer, register, None)
            if callable(hook):
                self._hooks.append(hook(_calling(training, part.task, event)))
        if not self._hooks:
            training.border.say(f"could not {part.task}: PPO's optimizer lets nobody watch its steps")

    def close(self) -> None:
        """Watch no longer."""
        hooks, self._hooks = self._hooks, []
        for hook in hooks:
            hook.remove()


def _calling(training: Training, task: str, event: Callable[[int], None]) -> Callable[..., None]:
    def at_step(*_: Any) -> None:
        training.border.attempt(task, event, training.state.global_step + 1)

    return at_step


def _innermost(optimizer: Any) -> Any:
    """The optimizer of torch inside those that accelerate and others put around it."""
    for _ in range(5):
        inner = getattr(optimizer, "optimizer", None)
        if inner is None:
            break
        optimizer = inner
    return optimizer
