"""An attached trainer's `train`: the one place that sees at once that an exception leaves it, and what may then be undone."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any


def tell_of_failure(trainer: Any, failed: Callable[[BaseException], None]) -> None:
    """Have `failed` called with whatever leaves `trainer.train()`, which is then raised as ever.

    Args:
        trainer: Its `train` is replaced on this one object; what it takes and returns stays the same.
        failed: Must not raise.
    """
    train = trainer.train
    if getattr(train, "_rldk_failed", None) == failed:
        return

    @functools.wraps(train)
    def watched(*arguments: Any, **named: Any) -> Any:
        returned = False
        try:
            result = train(*arguments, **named)
            returned = True
        finally:
            failure = None if returned else sys.exception()
            if failure is not None:
                failed(failure)
        return result

    watched._rldk_failed = failed  # type: ignore[attr-defined] # noqa: SLF001 - tells a trainer attached twice
    trainer.train = watched
