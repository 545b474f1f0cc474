"""The screens behind the main one as pictures: healthy, in trouble, empty, small."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from rldk_tui.events import Algorithm, Finding, RunState, Severity
from rldk_tui.summary.runs import Curve, RunRow, Stamp
from rldk_tui.system.gpu_processes import GpuProcess
from rldk_tui.tui.cells import Box
from rldk_tui.tui.index_app import IndexApp
from rldk_tui.tui.index_lines import Sort, index_lines
from rldk_tui.tui.machine_now import Machine
from rldk_tui.tui.options import MonitorOptions
from rldk_tui.tui.runs_index import RunsIndex
from rldk_tui.tui.view import View
from rldk_tui.tui.widgets.scroll_view import ScrollView
from tests.builders import a_run
from tests.tui.conftest import Settled
from tests.tui.runs import FINDINGS, empty_view, full_view, health_of_run, healthy_run, healthy_view, judged, view_of_run
from tests.tui.test_pictures import picture

pytestmark = pytest.mark.snapshot
SIZES = [(120, 36), (80, 24), (200, 50)]


def noisy_view() -> View:
    """A run with noise, a spike, a NaN and a None, findings on its KL, and a baseline that did better."""
    noise = [math.sin(7 * step) * math.cos(3 * step) for step in range(200)]
    kl = [0.002 * step + 0.05 * noise[step] + (1.0 if step == 120 else 0.0) + 0.05 for step in range(200)]
    reward = [math.nan if step == 90 else None if step == 91 else 0.2 + 0.003 * step + 0.1 * noise[step] for step in range(200)]
    run = healthy_run(200).with_metrics(kl=kl, reward=reward)
    findings = tuple(
        replace_metric(finding, first, last)
        for finding, first, last in zip(FINDINGS[1:], (150, 118, 5), (200, 124, 20), strict=True)
    )
    baseline = health_of_run(healthy_run(200).with_metrics(kl=[0.001 * step for step in range(200)]), name="grpo-qwen-16")
    return replace(view_of_run(judged(health_of_run(run), findings)), baseline=baseline.snapshot)


def replace_metric(finding: Finding, first: int, last: int) -> Finding:
    return msgspec.structs.replace(finding, metric="kl", first_step=first, last_step=last)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_chart_of_a_run_in_trouble(size: tuple[int, int], svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(noisy_view(), size, settled, "1", "down", "enter", "left") == svg


async def test_a_chart_zoomed_and_smoothed(svg: SnapshotAssertion, settled: Settled) -> None:
    keys = ("1", "enter", *["H"] * 10, "up", "plus", "plus")
    assert await picture(noisy_view(), (100, 30), settled, *keys) == svg


async def test_a_chart_of_a_healthy_run(svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(healthy_view(), (80, 24), settled, "1", "enter") == svg


async def test_a_chart_in_ascii(svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(noisy_view(), (80, 24), settled, "1", "down", "enter", "plus", plain=True) == svg


async def test_a_card(svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(full_view(), (100, 36), settled, "1", "down", "i") == svg


@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_config(size: tuple[int, int], svg: SnapshotAssertion, settled: Settled) -> None:
    config = {"beta": 0.04, "learning_rate": 1e-5, "max_completion_length": 512, "loss_type": "dr_grpo", "num_generations": 8}
    facts = {
        "git_revision": "935fb78",
        "hardware": {"cpus": 16, "memory_total": 128 * 2**30, "gpus": [{"index": 0, "name": "H200"}]},
    }
    run = a_run(
        Algorithm.GRPO, config=config, max_steps=200, model="Qwen/Qwen2.5-0.5B", seed=42, versions={"trl": "1.12.0"}, **facts
    )
    health = health_of_run(run.with_metrics(reward=[0.1] * 20))
    assert await picture(view_of_run(judged(health, FINDINGS)), size, settled, "5") == svg


async def test_a_config_that_is_not_known(svg: SnapshotAssertion, settled: Settled) -> None:
    run = a_run(Algorithm.DPO).with_metrics(loss=[0.6] * 9)
    assert await picture(view_of_run(judged(health_of_run(run), ())), (80, 24), settled, "5") == svg


async def test_the_learning_signal(svg: SnapshotAssertion, settled: Settled) -> None:
    run = healthy_run(200).with_metrics(
        frac_reward_zero_std=[0.1 + 0.003 * step for step in range(200)], step_time=[12.0] * 200
    )
    assert await picture(view_of_run(judged(health_of_run(run), ())), (100, 30), settled, "w") == svg


@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_machine_now(size: tuple[int, int], svg: SnapshotAssertion, settled: Settled) -> None:
    view = full_view()
    taken = view.health.snapshot.system[-1]
    processes = (GpuProcess(0, 4242, 60 * 2**30, "python"), GpuProcess(0, 99, None, None))
    machine = Machine(taken, processes, frozenset({4242}))
    assert await picture(replace(view, machine=machine), size, settled, "6") == svg


async def test_a_machine_nobody_measured(svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(empty_view(), (80, 24), settled, "6") == svg


async def test_a_muted_finding(svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(full_view(), (120, 36), settled, "2", "m", "0") == svg


@pytest.mark.parametrize("theme", range(2, 5), ids=["okabe-dark", "okabe-light", "ansi"])
async def test_other_colours(theme: int, svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(full_view(), (120, 36), settled, *["t"] * theme) == svg


def rows() -> tuple[RunRow, ...]:
    """Runs in every state."""
    course = tuple((np.sin(np.arange(60) / 9.0) + np.arange(60) / 30.0).tolist())
    known = RunRow(
        path="/r/17",
        name="grpo-qwen-0.5b-17",
        stamp=Stamp(10**9, 1),
        state=RunState.LIVE,
        algorithm="GRPO",
        step=1240,
        max_steps=4000,
        metric="Reward",
        latest=0.612,
        curve=Curve(tuple(range(60)), course, course, (0,) * 60, 1),
        value=0.71,
        grade="C",
        opened={Severity.HIGH: 1, Severity.WARNING: 1},
        worst="entropy-collapse",
        changed_at=1e6 - 3,
    )
    healthy = msgspec.structs.replace(known, value=0.97, grade="A", opened={}, worst="")
    dead = msgspec.structs.replace(known, state=RunState.DIED, algorithm="PPO", step=88, latest=-3.2, changed_at=1e6 - 9000)
    critical = {Severity.CRITICAL: 2, Severity.HIGH: 3}
    over = msgspec.structs.replace(healthy, state=RunState.FINISHED, algorithm="SFT", step=2000, max_steps=2000, latest=0.0213)
    problem = "rldk.toml of this run is no TOML."
    return (
        known,
        msgspec.structs.replace(healthy, name="grpo-qwen-0.5b-18", step=310, latest=0.41),
        msgspec.structs.replace(dead, name="ppo-pythia-1b", opened=critical, worst="nonfinite-metric"),
        msgspec.structs.replace(over, name="sft-base", changed_at=1e6 - 2e5, value=None, grade="not graded"),
        RunRow("/r/b", "broken", Stamp(10**9, 1), RunState.UNKNOWN, problem=problem, changed_at=1e6 - 9e5),
        RunRow("/r/c", "just-found", Stamp(10**9, 1), changed_at=1e6 - 1e6),
    )


@pytest.mark.parametrize("size", [(120, 16), (80, 16), (200, 16)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_list_of_runs(size: tuple[int, int], svg: SnapshotAssertion, settled: Settled, tmp_path: Path) -> None:
    app = IndexApp(RunsIndex(tmp_path), MonitorOptions())
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        shown = app.query_one("#runs", ScrollView)
        lines = index_lines(rows(), Sort.NEWEST, 1e6, Box(shown.content_size.width))
        shown.show(lines, (), "runs", "6 runs · newest first")
        await settled(pilot)
        assert app.export_screenshot(simplify=True).encode() == svg
