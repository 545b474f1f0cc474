"""What is known batch by batch, however the log is cut into polls."""

from __future__ import annotations

import random
import warnings
from itertools import pairwise

import pytest

from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.rule import Need, RowRule
from rldk_tui.events import Algorithm, Event, Metrics, RunStarted
from rldk_tui.metrics.samples import SAMPLES
from tests.builders import OURS
from tests.histories import STRANGE, History, polled

OF_SAMPLES = [rule for rule in load_rules() if isinstance(rule.rule, RowRule) and rule.rule.needs is Need.SAMPLES]
LEVELS = (0.0, 0.01, 0.3, 0.7, 1.0, 5.0, 24.0, 300.0)


def _events(rng: random.Random) -> list[Event]:
    names = [row.name for row in SAMPLES if rng.random() < 0.8] + ["reward", "reward_std", "completions/mean_length"]
    config = rng.choice(({}, {"num_generations": 8}))
    events: list[Event] = [
        RunStarted(time=0.0, schema_version=1, run_id="r", host="h", pid=1, algorithm=Algorithm.GRPO, config=config)
    ]
    level = {name: rng.choice(LEVELS) for name in names}
    for step in range(1, 90):
        if step % 30 == 0:
            level = {name: rng.choice(LEVELS) for name in names}
        values: dict[str, float | None] = {
            name: rng.choice(STRANGE) if rng.random() < 0.03 else level[name] * (1 + 0.1 * rng.random())
            for name in names
            if rng.random() < 0.9
        }
        values["samples/batch_mark"] = float(step // 3 if rng.random() < 0.3 else step)
        events.append(Metrics(time=float(step), step=step, values=values))
    return events


@pytest.mark.parametrize("seed", range(25))
def test_rules_of_samples_say_the_same_under_any_cut(seed: int) -> None:
    rng = random.Random(seed)
    events = tuple((event, OURS) for event in _events(rng))
    edges = sorted({0, len(events), *(rng.randrange(len(events)) for _ in range(rng.choice((3, 80))))})
    pieces = tuple(events[low:high] for low, high in pairwise(edges))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole, cut = polled(History((events,)), OF_SAMPLES), polled(History(pieces), OF_SAMPLES)
    assert not whole.failures
    assert repr(whole.findings) == repr(cut.findings), "as text, for evidence holds NaN"
