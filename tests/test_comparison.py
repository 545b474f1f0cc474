"""Two real runs side by side."""

from __future__ import annotations

from rldk_tui.comparison import compare
from rldk_tui.session import RunSession
from tests.conftest import SAMPLE_RUNS


def test_the_collapsed_run_differs_in_its_learning_rate_and_what_came_of_it() -> None:
    healthy, collapsed = (
        RunSession(SAMPLE_RUNS / name, clock=lambda: 2e9).poll() for name in ("grpo-healthy", "grpo-collapsed")
    )
    found = compare(healthy, collapsed)
    rate = next(difference for difference in found.settings if difference.name == "learning_rate")
    assert rate.second > rate.first
    assert any(difference.first is None and difference.second is not None for difference in found.findings)
    entropy = next(ending for ending in found.endings if ending.name == "entropy")
    assert entropy.second < entropy.first
    assert "output_dir" not in {difference.name for difference in found.settings}


def test_a_run_does_not_differ_from_itself() -> None:
    run = RunSession(SAMPLE_RUNS / "grpo-healthy", clock=lambda: 2e9).poll()
    same = compare(run, run)
    assert same.settings == same.findings == ()
    assert all(ending.first == ending.second for ending in same.endings)
