"""An attached trainer's `train`: the one place that sees at once that an exception leaves it, and what may then be undone."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any


class _Watched:
    """`train` of one trainer; an object, so that a copy of the trainer gets one of its own and does not train the original."""

    def __init__(self, train: Callable[..., Any], failed: Callable[[BaseException], None]) -> None:
        functools.update_wrapper(self, train)
        self._train = train
        self.failed = failed

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        returned = False
        try:
            result = self._train(*arguments, **named)
            returned = True
        finally:
            failure = None if returned else sys.exception()
            if failure is not None:
                self.failed(failure)
        return result


def tell_of_failure(trainer: Any, failed: Callable[[BaseException], None]) -> None:
    """Have `failed` called with whatever leaves `trainer.train()`, which is then raised as ever.

    Args:
        trainer: Its `train` is replaced on this one object; what it takes and returns stays the same.
        failed: Must not raise.
    """
    train = trainer.train
    if not (isinstance(train, _Watched) and train.failed == failed):  # else it was attached before
        trainer.train = _Watched(train, failed)
