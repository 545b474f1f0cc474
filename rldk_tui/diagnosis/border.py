"""The rule engine's border: what a rule raises, whoever wrote it, becomes something that is shown and stops no other."""

from __future__ import annotations

from collections.abc import Callable


def guarded(work: Callable[[], None], failed: Callable[[Exception], None]) -> None:
    """Let a rule load or work, and tell `failed` what it raised."""
    try:
        work()
    except Exception as failure:  # noqa: BLE001 - the border: one broken rule must not silence the others
        failed(failure)
