"""What the rules about a run that stopped share: whether its state tells anything, and the words for where and when."""

from __future__ import annotations

from rldk_tui.events import RunState
from rldk_tui.run import RunSnapshot


def cannot_tell(snapshot: RunSnapshot) -> str | None:
    """A reason if nothing tells whether the run lives."""
    if snapshot.state is RunState.WAITING:
        return "nothing was logged yet"
    if snapshot.state is RunState.UNKNOWN:
        if snapshot.last_event_at is None:
            return "the log has no clock and no record of an end, so a finished run cannot be told from a dead one"
        return "the log stopped without a record of an end, and how many steps were planned is not known"
    return None


def share_reached(snapshot: RunSnapshot) -> float | None:
    """How far the run got, as a share of the planned steps; None where that is not known."""
    goal = snapshot.info.max_steps
    return None if not goal or snapshot.step is None else snapshot.step / goal


def silence(snapshot: RunSnapshot) -> float:
    """Seconds since the last sign of life; 0 without a clock."""
    return 0.0 if snapshot.last_event_at is None else max(0.0, snapshot.taken_at - snapshot.last_event_at)


def where(snapshot: RunSnapshot) -> str:
    """How far the run got, for a sentence."""
    goal = snapshot.info.max_steps
    if snapshot.step is None:
        return "before its first step"
    return f"at step {snapshot.step} of {goal}" if goal else f"at step {snapshot.step}"


def since(snapshot: RunSnapshot) -> str:
    """When the last sign of life came, for a sentence."""
    if snapshot.last_event_at is None:
        return "without a clock"
    pace = f"; a step took {snapshot.step_seconds:.3g} s" if snapshot.step_seconds else ""
    return f"{_duration(silence(snapshot))} ago{pace}"


def _duration(seconds: float) -> str:
    for size, name in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"
