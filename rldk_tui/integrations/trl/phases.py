"""Where the time of a step goes: to generate, to score, to update, to save, to evaluate; and what GPU memory each takes.

Every moment belongs to one phase, so that the phases of a step add up to it: generating and scoring are taken out of the
update that encloses them, and whatever an evaluation does is evaluation. On a GPU each phase waits at its end for what it
has begun, and torch's peak statistics are reset at its beginning; both change no result, and both are why this is asked for.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rldk_tui.events import Algorithm
from rldk_tui.integrations.trl.not_measured import tell_unmeasured
from rldk_tui.integrations.trl.part import Part, Training
from rldk_tui.integrations.trl.ppo import loop_globals
from rldk_tui.integrations.trl.wrapping import Wrapping
from rldk_tui.metrics.metric import ONLINE

GENERATE, SCORE, UPDATE, SAVE, EVAL = PHASES = ("generate", "score", "update", "save", "eval")
_IN_A_STEP = (GENERATE, SCORE, UPDATE)
_METHODS = {GENERATE: ("_generate",), SCORE: ("_calculate_rewards",), SAVE: ("_save_checkpoint",), EVAL: ("evaluate",)}
_PPO_METHODS = {SAVE: ("_save_checkpoint",), EVAL: ("generate_completions",)}
_PPO_FUNCTIONS = {GENERATE: "batch_generation", SCORE: "get_reward"}


class Phases(Part):
    """Watches the phases of the attached trainer; without it the update alone, where the trainer does nothing else."""

    task = "measure the phases of a step"

    def __init__(self, interval: int, clock: Callable[[], float] = time.perf_counter) -> None:
        """Rows come every `interval` steps, each with the mean of its steps."""
        self._interval = interval
        self._clock = clock
        self._stopwatch = Stopwatch(clock)
        self._wrapping = Wrapping()
        self._watched: set[str] = set()
        self._between: str | None = None
        self._steps = 0
        self._training: Training | None = None

    def begin(self, training: Training) -> None:
        """Only in the process that logs."""
        if not training.is_main:
            return
        self._stopwatch = Stopwatch(self._clock, functools.partial(training.border.attempt, self.task))
        samples = training.algorithm in ONLINE
        if training.trainer is not None:
            self._watch(training.trainer)
        if not samples or {GENERATE, SCORE} <= self._watched:
            self._watched.add(UPDATE)
        unseen = [phase for phase in (_IN_A_STEP if samples else (SAVE, EVAL)) if phase not in self._watched]
        if unseen:
            known = training.trainer is not None
            why = "this trainer has none of the methods that are known" if known else "the callback was not given the trainer"
            advice = None if known else "call RLDKCallback.attach(trainer) before train()"
            tell_unmeasured(training, f"hook/time_{unseen[0]}", f"{why} ({', '.join(unseen)})", advice)
        if training.algorithm is Algorithm.PPO:  # it does not say when a step begins
            self._between = UPDATE
        self._training = training
        self._stopwatch.enter(self._between)

    def _watch(self, trainer: Any) -> None:
        loop = loop_globals(type(trainer))
        for phase, names in (_METHODS if loop is None else _PPO_METHODS).items():
            for name in names:
                self._time(trainer, name, phase)
        if loop is not None:
            for phase, name in _PPO_FUNCTIONS.items():
                self._time(sys.modules[loop["__name__"]], name, phase)

    def _time(self, owner: Any, name: str, phase: str) -> None:
        if self._wrapping.wrap(owner, name, lambda original: self._timed(original, phase)):
            self._watched.add(phase)

    def _timed(self, original: Callable[..., Any], phase: str) -> Callable[..., Any]:
        @functools.wraps(original)
        def timed(*arguments: Any, **named: Any) -> Any:
            if not self._wrapping.active:
                return original(*arguments, **named)
            with self._stopwatch.phase(phase):
                result = original(*arguments, **named)
            if phase in (SAVE, EVAL) and self._training is not None:
                self._training.border.attempt(self.task, self._tell_at_once, phase)
            return result

        return timed

    def _tell_at_once(self, phase: str) -> None:
        """Saving and evaluating come after the end of the step they belong to."""
        training = self._training
        if training is not None:
            training.recorder.measure(self._stopwatch.taken((phase,), 1))
            training.recorder.flush(int(training.state.global_step))

    def step_begin(self, step: int) -> None:  # noqa: ARG002
        """Whatever is not generating or scoring is the update, from here to the step's end."""
        if self._training is not None:
            self._stopwatch.enter(UPDATE)

    def step_end(self, step: int) -> None:
        """The step's phases are whole."""
        if self._training is None:
            return
        self._stopwatch.enter(self._between)
        self._steps += 1
        if step % self._interval == 0:
            phases = tuple(phase for phase in _IN_A_STEP if phase in self._watched)
            self._training.recorder.measure(self._stopwatch.taken(phases, self._steps))
            self._steps = 0

    def ended(self, step: int) -> None:  # noqa: ARG002
        """The trainer is left as it was."""
        self.close()

    def close(self) -> None:
        """Also where the training failed."""
        self._training = None
        self._wrapping.undo()


class Stopwatch:
    """Adds up the seconds and keeps the bytes of the phase that is on.

    Args:
        clock: Seconds.
        attempt: Makes a call of ours from within the trainer's, which must not see it fail: not every allocator has statistics.
    """

    def __init__(self, clock: Callable[[], float], attempt: Callable[..., Any] = lambda work, *given: work(*given)) -> None:
        self._clock = clock
        self._attempt = attempt
        self._now: str | None = None
        self._since = clock()
        self._seconds: dict[str, float] = {}
        self._bytes: dict[str, tuple[int, int, int]] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A phase within whatever is on, which goes on afterwards; nothing within an evaluation is a phase of its own."""
        before = self._now
        if before == EVAL:
            yield
            return
        self._attempt(self.enter, name)
        try:
            yield
        finally:
            self._attempt(self.enter, before)

    def enter(self, name: str | None) -> None:
        """What follows belongs to this phase, or to none."""
        cuda = _cuda()
        if cuda is not None:
            cuda.synchronize()
        now = self._clock()
        if self._now is not None:
            self._seconds[self._now] = self._seconds.get(self._now, 0.0) + now - self._since
            if cuda is not None:
                peak = max(cuda.max_memory_allocated(), self._bytes.get(self._now, (0,))[0])
                self._bytes[self._now] = peak, cuda.memory_allocated(), cuda.memory_reserved()
        if cuda is not None:
            cuda.reset_peak_memory_stats()
        self._now, self._since = name, now

    def taken(self, phases: tuple[str, ...], steps: int) -> dict[str, float | None]:
        """What was measured of these phases by catalogue name, seconds per step; counting starts again."""
        values: dict[str, float | None] = {}
        for phase in phases:
            values[f"hook/time_{phase}"] = self._seconds.pop(phase, 0.0) / steps
            for name, size in zip(("peak", "allocated", "reserved"), self._bytes.pop(phase, ()), strict=False):
                values[f"hook/memory_{name}_{phase}"] = float(size)
        return values


def _cuda() -> Any:
    """torch.cuda where it is in use; else None."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    return cuda if cuda is not None and cuda.is_initialized() else None
