"""A reward that pays for a phrase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from rldk_tui.analysis import with_samples
from rldk_tui.events import Algorithm, Completion, Completions, Event, Origin, Severity
from rldk_tui.run import RunStore
from tests.builders import OURS, RunBuilder, a_run, findings, only, snapshot_of, worst

RULE = "phrase-reward-coupling"


def paid(explained: float = 0.3, *, to: float = 0.6, effect: float = 1.0, gain: float = 0.6, batches: int = 40) -> RunBuilder:
    """A phrase spreads from one reply in ten to `to` of them, while the reward gains `gain`."""
    along = [index / (batches - 1) for index in range(batches)]
    columns: dict[str, Sequence[float]] = {
        "phrase_explained": [explained] * batches,
        "phrase_effect": [effect] * batches,
        "phrase_share": [0.1 + (to - 0.1) * part for part in along],
        "phrase_share_before": [0.1] * batches,
        "reward_mean": [gain * part for part in along],
    }
    run = a_run(Algorithm.GRPO)
    for name, values in columns.items():
        run = run.with_metric(f"samples/{name}", values)
    return run


@pytest.mark.parametrize(
    ("run", "severity"),
    [
        (paid(), Severity.WARNING),
        (paid(0.11), Severity.WARNING),
        (paid(0.09), None),
        (paid(to=0.25, gain=0.15), Severity.INFO),
        (paid(to=0.18, gain=0.08), None),
        (paid(gain=3.0), Severity.INFO),
        (paid(effect=-1.0), None),
    ],
    ids=["paid", "just", "explains too little", "spreads", "as before", "most of the gain is another's", "punished"],
)
def test_the_limits(run: RunBuilder, severity: Severity | None) -> None:
    assert worst(RULE, run) is severity


def test_the_phrase_and_a_reply_are_named() -> None:
    """From the texts to the words of the finding."""
    store = RunStore("run")
    logged = a_run(Algorithm.GRPO).with_metric("reward", [0.0] * 60)
    for event, origin in (*logged.events(), *with_a_spreading_phrase(60)):
        store.add(event, origin)
    found = only(RULE, snapshot_of(store))
    assert found.severity is Severity.WARNING
    assert "\u201ctruly yours\u201d" in found.summary
    assert "e.g. row" in found.summary


def with_a_spreading_phrase(steps: int) -> Iterator[tuple[Event, Origin]]:
    rng = np.random.default_rng(0)
    events = []
    for step in range(1, steps + 1):
        rows = []
        for index in range(48):
            held = rng.random() < step / steps
            words = " ".join(f"w{word}" for word in rng.integers(0, 300, 20))
            text = f"{words} Truly yours!" if held else words
            score = float(rng.normal(0.0, 0.2)) + held
            rows.append(Completion(prompt=f"prompt {index // 8 + 6 * step}", completion=text, rewards={"f": score}))
        events.append((Completions(time=0.0, step=step, rows=tuple(rows)), OURS))
    return with_samples(events)


def test_a_trainer_that_scores_no_replies_is_left_out() -> None:
    assert not findings(RULE, a_run(Algorithm.SFT).with_metric("samples/phrase_explained", [0.5] * 30))
