"""The exception that ends a script, written down before the interpreter shows it."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

from rldk_tui.integrations.trl.loop import told
from rldk_tui.integrations.trl.part import Part, Training


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
