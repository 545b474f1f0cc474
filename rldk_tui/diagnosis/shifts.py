"""How a sustained shift of a metric is looked for, in logs of this run."""

from __future__ import annotations

from dataclasses import replace

from rldk_tui.diagnosis import cadence
from rldk_tui.run import RunInfo
from rldk_tui.statistics.cusum import LONG, SHORT, SHORT_RUN, Design
from rldk_tui.statistics.spread import RELATIVE_FLOOR


def design(info: RunInfo, floor: float, relative: float = RELATIVE_FLOOR) -> Design:
    """The sum's design for a run of this length and cadence: a short one cannot spend 128 logs on what is usual.

    Args:
        info: For the planned steps and the steps a log.
        floor: The least spread on the scale the metric is judged on.
        relative: See `Design`.
    """
    logs = (info.max_steps or SHORT_RUN) / max(1.0, info.setting("logging_steps") or 1.0)
    chosen = SHORT if logs < SHORT_RUN else LONG
    return replace(chosen, size=cadence.window(chosen.size, info), floor=floor, relative=relative)
