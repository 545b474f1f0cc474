"""Whether the training loop still runs, and what left it.

A trainer tells its callbacks when its loop returns, and nothing when an exception leaves it. A script then ends, and its
`sys.excepthook` sees the exception; in a notebook, or where the caller catches it, the process lives on, and a monitor would
wait for ever. So the loop's frame is remembered, and looked for on the stack of its thread. It is held until it is missed
there: a frame that was let go of would give its place in memory to that of the next training.
"""

from __future__ import annotations

import sys
import threading
import traceback
from types import FrameType

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
        self._frame = frame
        self._code = None if frame is None else frame.f_code

    def runs(self) -> bool:
        """Whether the frame that called us is still on the stack of its thread."""
        frame = sys._current_frames().get(self._thread)  # noqa: SLF001 - as above, of the other threads
        while frame is not None and frame is not self._frame:
            frame = frame.f_back
        if frame is None:
            self._frame = None  # what it holds is the whole training
        return frame is not None

    def left_by(self) -> BaseException | None:
        """The exception that left the loop, where an interactive interpreter has kept it; None where it is not known."""
        failure = getattr(sys, "last_value", None)
        trace = failure.__traceback__ if isinstance(failure, BaseException) else None
        while trace is not None:
            if trace.tb_frame.f_code is self._code:
                return failure
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
