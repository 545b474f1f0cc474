"""A run played again, paused and moved about in, tells the same at the same steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from rldk_tui.replay import Replay
from rldk_tui.session import RunHealth, RunSession


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def told(health: RunHealth) -> list[tuple[str, int, str]]:
    return sorted((finding.id, finding.last_step, finding.summary) for finding in health.findings)


def test_a_pause_stops_its_clock(sample_runs: Path) -> None:
    clock = Clock()
    played = Replay(sample_runs / "grpo-collapsed", 1.0, clock=clock)
    played.poll()
    clock.now += 4.0
    step = played.poll().snapshot.step
    played.pause(paused=True)
    clock.now += 1000.0
    assert played.poll().snapshot.step == step
    played.pause(paused=False)
    clock.now += 2.0
    assert (played.poll().snapshot.step or 0) > (step or 0)


@pytest.mark.parametrize("way", [[0.5], [0.9, -0.4], [0.25, 0.25], [2.0, -0.5]])
def test_wherever_it_is_moved_to_it_tells_what_it_would_have_told_there(way: list[float], sample_runs: Path) -> None:
    straight = Replay(sample_runs / "grpo-collapsed", 1e-9, clock=Clock())
    straight.poll()
    straight.seek(0.5)
    moved = Replay(sample_runs / "grpo-collapsed", 1e-9, clock=Clock())
    moved.poll()
    for share in way:
        moved.seek(share)
        there = moved.poll()
    assert there.snapshot.step == straight.poll().snapshot.step
    assert told(there) == told(straight.poll())


def test_at_its_end_it_tells_what_the_whole_run_tells(sample_runs: Path) -> None:
    played = Replay(sample_runs / "grpo-collapsed", 1e9, clock=Clock())
    played.poll()
    played.seek(1.0)
    health, whole = played.poll(), RunSession(sample_runs / "grpo-collapsed").poll()
    replies = [row.completion for event in whole.snapshot.completions for row in event.rows]
    assert [health.disorder(reply) for reply in replies] == [whole.disorder(reply) for reply in replies]
    assert any(health.disorder(reply) is not None for reply in replies)
    assert health.rewards is not None
    assert whole.rewards is not None
    assert health.rewards.reliability == whole.rewards.reliability
