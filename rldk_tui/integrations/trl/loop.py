"""Whether the training loop still runs, and what left it.

A trainer tells its callbacks when its loop returns, and nothing when an exception leaves it. A script then ends, and its
`sys.excepthook` sees the exception; in a notebook, or where the caller catches it, the process lives on, and a monitor would
wait for ever. So the loop's frame is remembered by its identity (never held: it keeps the whole training alive), and looked
for on the stack of its thread.
"""

from __future__ import annotations

import sys
import threading
import traceback
from types import FrameType, TracebackType
from typing import Any

from rldk_tui.integrations.trl.part import Part, Training

_NOT_THE_LOOP = ("rldk_tui.integrations", "transformers.trainer_callback")
_LONGEST = 300
"""Characters of an exception's text that are kept."""


class TrainingLoop:
    """The loop that called us, seen from any thread."""

    def __init__(self) -> None:
        frame: FrameType | None = sys._getframe()  # noqa: SLF001 - documented, and the one way to the own stack
        while frame is not None and frame.f_globals.get("__name__", "").startswith(_NOT_THE_LOOP):
            frame = frame.f_back
        self._thread = threading.get_ident()
        self._frame = id(frame)
        self._code = None if frame is None else frame.f_code

    def runs(self) -> bool:
        """Whether the frame that called us is still on the stack of its thread."""
        frame = sys._current_frames().get(self._thread)  # noqa: SLF001 - as above, of the other threads
        while frame is not None:
            if id(frame) == self._frame and frame.f_code is self._code:
                return True
            frame = frame.f_back
        return False

    def left_by(self) -> BaseException | None:
        """The exception that left the loop, where an interactive interpreter has kept it; None where it is not known."""
        failure = getattr(sys, "last_value", None)
        trace = failure.__traceback__ if isinstance(failure, BaseException) else None
        while trace is not None:
            if trace.tb_frame.f_code is self._code:
                return failure  # type: ignore[no-any-return] # isinstance above
            trace = trace.tb_next
        return None


def told(failure: BaseException | None) -> str:
    """An exception in one line."""
    if failure is None:
        return "an exception left the training loop"
    if isinstance(failure, KeyboardInterrupt):
        return "interrupted (Ctrl-C)"
    text = " ".join("".join(traceback.format_exception_only(failure)).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


class Ending(Part):
    """Writes down the exception that ends the script, before the interpreter shows it."""

    task = "watch for the exception that ends the training"

    def __init__(self) -> None:
        self._training: Training | None = None
        self._before: Any = None

    def begin(self, training: Training) -> None:
        """Stand in the way of `sys.excepthook`; whoever stood there is still called."""
        self._training, self._before = training, sys.excepthook
        sys.excepthook = self._hook

    def _hook(self, kind: type[BaseException], failure: BaseException, trace: TracebackType | None) -> None:
        training = self._training
        if training is not None:
            training.border.attempt("write down the exception that ends the training", training.recorder.broke, told(failure))
        self._before(kind, failure, trace)

    def ended(self, step: int) -> None:  # noqa: ARG002
        """What happens after the training is not its end."""
        self.close()

    def close(self) -> None:
        """Step out of the way; if somebody else stands before us by now, stay and only pass on."""
        self._training = None
        if sys.excepthook == self._hook:
            sys.excepthook = self._before
