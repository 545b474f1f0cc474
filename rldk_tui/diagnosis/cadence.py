"""Logs that stand for several steps each: a window counted in logs is then shorter.

A trainer logs the mean of the steps since its last log. With ten or more steps a log the noise is averaged away already, and
a rule that waited for as many logs as usual would speak too late.
"""

from __future__ import annotations

from rldk_tui.events import Algorithm
from rldk_tui.run import RunInfo

AVERAGED = 10
"""Steps a log from which on windows are halved: the catalogue's number, and the trainers' default."""
FEWEST = 3
"""Logs a window never goes below."""


def averaged(info: RunInfo) -> bool:
    """Whether each log is the mean of many steps. PPO logs every update, whatever `logging_steps` says."""
    return info.algorithm is not Algorithm.PPO and (info.setting("logging_steps") or 1) >= AVERAGED


def window(size: int, info: RunInfo) -> int:
    """A window of `size` logs, in logs of this run."""
    return min(size, max(FEWEST, size // 2)) if averaged(info) else size


def persistence(m: int, n: int, info: RunInfo) -> tuple[int, int]:
    """`m` of `n` logs, in logs of this run: the same share, rounded up."""
    shorter = window(n, info)
    return -(-m * shorter // n), shorter
