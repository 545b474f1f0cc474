"""Runs side by side: real ones, and curves of which is known whether they differ."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rldk_tui.comparison import Axis, Outcome, Pair, compare, gate
from rldk_tui.comparison.objects import comparison_object, gate_object
from rldk_tui.comparison.prose import as_text, told
from rldk_tui.errors import UserError
from rldk_tui.events import Algorithm, Severity
from rldk_tui.session import RunHealth, RunSession
from tests.conftest import SAMPLE_RUNS
from tests.report.runs import episode, health_of, logged, snapshot_of, started

LONG = 200


def real(name: str) -> RunHealth:
    return RunSession(SAMPLE_RUNS / name, clock=lambda: 2e9).poll()


def curves(name: str, seed: int, gain: float = 0.0, every: int = 1, tokens: float = 100.0, **facts: object) -> RunHealth:
    noise = np.random.default_rng(seed).normal(0, 0.05, LONG + 1)
    rows = [
        logged(
            step,
            reward=math.log1p(step) / 6 + float(noise[step]) + gain * (step > LONG // 2),
            kl=0.001 * step,
            num_tokens=tokens * step,
        )
        for step in range(1, LONG + 1, every)
    ]
    return replace(health_of(snapshot_of(name, started(**facts), *rows)), directory=Path(name))


def only(*runs: RunHealth, **options: object) -> Pair:
    return compare(runs, **options).pairs[0]  # type: ignore[arg-type]


class TestRealRuns:
    def test_settings_findings_and_where_the_logs_part(self) -> None:
        pair = only(real("grpo-healthy"), real("grpo-collapsed"))
        rate = next(one for one in pair.settings if one.name == "learning_rate")
        assert rate.second > rate.first
        assert "output_dir" not in {one.name for one in pair.settings}
        assert any(one.first is None and one.second == "critical" for one in pair.findings)
        assert pair.parted is not None
        assert pair.parted.step == 1
        worse = {one.metric for one in pair.metrics if one.outcome is Outcome.WORSE}
        assert {"completions/clipped_ratio", "frac_reward_zero_std"} <= worse

    def test_a_run_does_not_differ_from_itself(self) -> None:
        run = real("grpo-healthy")
        pair = only(run, run)
        assert pair.settings == pair.findings == ()
        assert pair.parted is None
        assert {one.outcome for one in pair.metrics} <= {Outcome.NOISE, Outcome.UNKNOWN}

    def test_objects_are_strict_json_and_the_text_names_everyone(self) -> None:
        comparison = compare([real("grpo-healthy"), real("grpo-collapsed"), real("grpo-reward-collapse")])
        answer = json.loads(json.dumps(comparison_object(comparison), allow_nan=False))
        assert [run["run"] for run in answer["runs"]] == ["grpo-healthy", "grpo-collapsed", "grpo-reward-collapse"]
        assert [one["aim"]["metric"] for one in answer["comparisons"]] == ["reward", "reward"]
        assert answer["comparisons"][1]["aim"]["outcome"] == "worse"
        text = as_text(comparison)
        assert all(run["run"] in text for run in answer["runs"])
        assert answer["comparisons"][1]["says"][0] in text


class TestCurves:
    def test_a_gain_beyond_noise_is_better_and_since_when_is_told(self) -> None:
        pair = only(curves("a", 1), curves("b", 2, gain=0.2))
        assert pair.aim is not None
        assert (pair.aim.metric, pair.aim.outcome) == ("reward", Outcome.BETTER)
        assert pair.aim.low is not None
        assert pair.aim.high is not None
        assert pair.aim.low < 0.2 < pair.aim.high
        assert pair.aim.since is not None
        assert LONG // 2 - LONG // 4 <= pair.aim.since <= LONG // 2 + LONG // 8
        assert "is better than a" in told(curves("a", 1), pair)[0]

    def test_two_runs_of_the_same_differ_by_noise_alone(self) -> None:
        outcomes = [only(curves("a", seed), curves("b", seed + 100)).aim for seed in range(20)]
        assert sum(aim is not None and aim.outcome is not Outcome.NOISE for aim in outcomes) <= 1

    def test_other_steps_are_averaged(self) -> None:
        pair = only(curves("a", 1), curves("b", 2, gain=0.3, every=3))
        assert pair.aim is not None
        assert pair.aim.outcome is Outcome.BETTER
        assert 60 <= pair.aim.pairs <= 67

    def test_by_tokens_the_run_with_fewer_tokens_a_step_is_further_at_the_same_place(self) -> None:
        pair = only(curves("a", 1), curves("b", 1, tokens=50.0), axis=Axis.TOKENS)
        assert pair.aim is not None
        assert pair.aim.outcome is Outcome.BETTER

    def test_too_little_in_common_is_not_judged(self) -> None:
        short = snapshot_of("short", started(), *(logged(step, reward=9.0) for step in range(1, 10)))
        pair = only(curves("a", 1), health_of(short))
        assert pair.aim is not None
        assert pair.aim.outcome is Outcome.UNKNOWN
        assert "cannot be told" in told(curves("a", 1), pair)[0]

    def test_nothing_in_common_is_said(self) -> None:
        other = health_of(snapshot_of("other", started(), *(logged(step, mine=1.0) for step in range(1, 60))))
        pair = only(curves("a", 1), other)
        assert pair.aim is None
        assert "no metric in common" in told(curves("a", 1), pair)[0]

    def test_nan_and_infinite_values_are_left_out(self) -> None:
        rows = [
            logged(step, reward=math.nan if step % 7 == 0 else math.inf if step % 11 == 0 else 1e300) for step in range(200)
        ]
        pair = only(curves("a", 1), health_of(snapshot_of("b", started(), *rows)))
        assert pair.aim is not None
        assert pair.aim.outcome is Outcome.BETTER
        json.dumps(comparison_object(compare([curves("a", 1), pair.run])), allow_nan=False)

    def test_a_reward_that_is_another_quantity_is_said(self) -> None:
        first, second = (curves("a", 1, config={"reward_weights": [1.0]}), curves("b", 2, config={"reward_weights": [0.5]}))
        assert "not the same quantity" in " ".join(told(first, only(first, second)))


def test_runs_of_one_name_are_told_apart() -> None:
    first, second = (replace(curves("out", seed), directory=Path(f"/runs/{name}/out")) for seed, name in ((1, "a"), (2, "b")))
    assert [run.snapshot.name for run in compare([first, second]).runs] == ["a/out", "b/out"]
    assert [run.snapshot.name for run in compare([first, first]).runs] == ["/runs/a/out"] * 2


def test_what_cannot_be_compared_is_refused() -> None:
    empty = health_of(snapshot_of("empty", started()))
    without = health_of(snapshot_of("without", started(), *(logged(step, reward=1.0) for step in range(40))))
    with pytest.raises(UserError, match="2 to 8 runs"):
        compare([empty])
    with pytest.raises(UserError, match="no log to compare"):
        compare([curves("a", 1), empty])
    with pytest.raises(UserError, match="how many tokens"):
        compare([curves("a", 1), without], Axis.TOKENS)
    with pytest.raises(UserError, match="does not log gold"):
        compare([curves("a", 1), without], aim="gold")


class TestGate:
    def test_an_equal_run_passes_and_a_worse_one_fails(self) -> None:
        assert gate(curves("b", 2), curves("a", 1), Severity.CRITICAL).passed
        found = gate(curves("b", 2, gain=-0.2), curves("a", 1), Severity.CRITICAL)
        assert not found.passed
        assert gate_object(found)["passed"] is False
        assert gate_object(found)["run"] == "a"

    def test_only_findings_that_the_baseline_has_not_count(self) -> None:
        serious = episode("truncation", "kl", Severity.CRITICAL, 3, 8)
        milder = episode("truncation", "kl", Severity.WARNING, 3, 8)
        run = replace(curves("b", 2), findings=(serious,))
        assert gate(run, replace(curves("a", 1), findings=(serious,)), Severity.CRITICAL).passed
        found = gate(run, replace(curves("a", 1), findings=(milder,)), Severity.CRITICAL)
        assert [(one.name, one.first, one.second) for one in found.new] == [("truncation", "warning", "critical")]
        assert gate(replace(curves("b", 2), findings=(milder,)), curves("a", 1), Severity.CRITICAL).passed

    def test_no_baseline_is_invented(self) -> None:
        run = curves("b", 2)
        with pytest.raises(UserError, match="is the run itself"):
            gate(run, run, Severity.CRITICAL)
        info = replace(run.snapshot.info, algorithm=Algorithm.PPO)
        other = replace(curves("a", 1), snapshot=replace(curves("a", 1).snapshot, info=info))
        with pytest.raises(UserError, match="one is ppo, the other grpo"):
            gate(run, other, Severity.CRITICAL)
        short = snapshot_of("short", started(), *(logged(step, reward=9.0) for step in range(1, 10)))
        with pytest.raises(UserError, match="too little of reward"):
            gate(run, health_of(short), Severity.CRITICAL)
