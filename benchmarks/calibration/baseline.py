"""What the usual method does on the same runs: |z| over a rolling window of 50, every metric, any alarm.

An alarm at a fault counts as having detected it; it names no cause. Alarms of one metric within 20 steps are one.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from benchmarks.calibration.labelled import EARLY, Labelled
from benchmarks.calibration.score import Tally
from rldk_tui.metrics import MEASURED
from rldk_tui.run import MetricSeries, RunSnapshot
from rldk_tui.session import RunSession

WINDOW = 50
_ONE_EPISODE = 20
_FEWEST = 10


def alarms(series: MetricSeries, threshold: float) -> list[int]:
    """The steps at which an episode of alarms of this metric begins."""
    finite = np.isfinite(series.values)
    values, steps = series.values[finite], series.steps[finite]
    found: list[int] = []
    last = -_ONE_EPISODE - 1
    for index in range(_FEWEST, values.size):
        past = values[max(0, index - WINDOW) : index]
        spread = past.std()
        if spread > 0 and abs(values[index] - past.mean()) > threshold * spread:
            if steps[index] - last > _ONE_EPISODE:
                found.append(int(steps[index]))
            last = int(steps[index])
    return found


def _metrics(snapshot: RunSnapshot) -> Iterable[MetricSeries]:
    skipped = ("final/", "epoch", "num_tokens", "episode", "learning_rate", *MEASURED)
    return (snapshot.series(name) for name in snapshot.metric_names() if not name.startswith(skipped))


def baseline(runs: Iterable[Labelled], threshold: float) -> Tally:
    """The tally of the z-score method."""
    tally = Tally()
    for run in runs:
        found = sorted(step for series in _metrics(RunSession(run.path).poll().snapshot) for step in alarms(series, threshold))
        onset = run.onset
        before = [step for step in found if onset is None or step < onset - EARLY]
        tally.quiet_steps += run.steps if onset is None else max(0, onset - EARLY)
        tally.false_alarms += len(before)
        if onset is None:
            tally.healthy += 1
            tally.clean += not before
        for fault in run.faults:
            late = [step for step in found if step >= fault.onset - EARLY]
            tally.faults += 1
            tally.detected += bool(late)
            if late:
                tally.delays.append(max(0, late[0] - fault.onset))
    return tally
