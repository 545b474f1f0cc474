"""The machine: as it is now where the run lives here, else as it was recorded; no GPU in one line."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import msgspec
import pynvml
import pytest

from rldk_tui.events import Gpu, RunState, System
from rldk_tui.session import RunHealth
from rldk_tui.system import gpu
from rldk_tui.system.gpu_processes import family_of, gpu_processes
from rldk_tui.tui.cells import Box
from rldk_tui.tui.machine_now import MachineNow
from rldk_tui.tui.panels import panel_named
from rldk_tui.tui.view import View
from tests.tui.runs import full_view, health_of_run, healthy_run, machine, view_of_run

GIB = 2**30


@pytest.fixture(autouse=True)
def opened_anew() -> Iterator[None]:
    gpu.open_gpus.cache_clear()
    yield
    gpu.open_gpus.cache_clear()


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two GPUs through NVML's own module: this process on the first, a stranger on both."""
    own, stranger = SimpleNamespace(pid=os.getpid(), usedGpuMemory=30 * GIB), SimpleNamespace(pid=2**22 + 7, usedGpuMemory=None)
    answers = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda _: "NVIDIA H200",
        "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(used=(40 + handle) * GIB, total=140 * GIB),
        "nvmlDeviceGetUtilizationRates": lambda _: SimpleNamespace(gpu=97, memory=40),
        "nvmlDeviceGetPowerUsage": lambda _: 412_500,
        "nvmlDeviceGetTemperature": lambda _handle, _sensor: 64,
        "nvmlDeviceGetComputeRunningProcesses": lambda handle: [stranger] if handle else [own, stranger],
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, answer)


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_driver() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)


def living_here(steps: int = 60) -> RunHealth:
    """A run whose process is this one."""
    health = health_of_run(healthy_run(steps), *machine(steps))
    info = replace(health.snapshot.info, host=platform.node(), pid=os.getpid(), started_at=4e9)
    return replace(health, snapshot=replace(health.snapshot, info=info))


def drawn(view: View, width: int = 100, height: int | None = None) -> str:
    drawing = panel_named("machine").draw(view, Box(width, height))
    assert all(row.width <= width for row in drawing.lines)
    return "\n".join([drawing.note, *(row.text for row in drawing.lines)])


def now(health: RunHealth, host: str | None = None) -> View:
    return replace(view_of_run(health), machine=MachineNow().beside(health, host or platform.node()))


@pytest.mark.usefixtures("two_gpus")
def test_every_gpu_its_processes_and_the_trainings_share_are_seen_from_the_node() -> None:
    text = drawn(now(living_here()), height=40)
    assert "now, on this machine" in text
    assert "GPU0 H200  40.0/140.0 GiB" in text
    assert "GPU1 H200  41.0/140.0 GiB" in text
    own = next(row for row in text.splitlines() if f"pid {os.getpid()}" in row)
    assert "30.0 GiB · 75 % of what is used" in own
    assert "this training" in own
    assert "not seen from here" in text
    assert "torch GiB" in text


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_run_elsewhere_or_over_shows_what_was_recorded(elsewhere: bool) -> None:
    health = living_here()
    if elsewhere:
        health = replace(health, snapshot=replace(health.snapshot, info=replace(health.snapshot.info, host="far")))
    else:
        health = replace(health, snapshot=replace(health.snapshot, state=RunState.FINISHED))
    view = now(health)
    assert view.machine is None
    text = drawn(view)
    assert "recorded" in text
    assert "71.0/140.0 GiB" in text


@pytest.mark.usefixtures("no_gpu")
def test_no_gpu_is_one_line() -> None:
    health = living_here()
    bare = tuple(msgspec.structs.replace(sample, gpus=()) for sample in health.snapshot.system)
    view = now(replace(health, snapshot=replace(health.snapshot, system=bare)))
    text = drawn(view)
    assert text.count("GPU") == 1
    assert "No GPU seen." in text
    assert gpu_processes() == ()


@pytest.mark.usefixtures("two_gpus")
def test_it_is_looked_at_once_in_a_while() -> None:
    clock = iter([0.0, 0.0, 1.0, 4.9, 5.0, 5.0])
    looks, health = MachineNow(clock=clock.__next__), living_here()
    first = looks.beside(health, platform.node())
    assert looks.beside(health, platform.node()) is first
    assert looks.beside(health, platform.node()) is first
    assert looks.beside(health, platform.node()) is not first


def growing(bytes_a_step: float) -> View:
    samples = tuple(
        System(
            time=1e6 + step,
            step=step,
            gpus=(Gpu(index=0, memory_used=int(70 * GIB + bytes_a_step * step), memory_total=140 * GIB),),
        )
        for step in range(1, 80)
    )
    return view_of_run(health_of_run(healthy_run(80), *samples))


def test_when_memory_is_full_is_told_only_where_the_growth_says_so_and_the_run_gets_there() -> None:
    assert "full in about 61 steps" in drawn(growing(0.5 * GIB))
    assert "full" not in drawn(growing(0.0))
    assert "full" not in drawn(growing(0.1 * GIB))  # 620 steps, of which the run has 120 left
    assert "full" not in drawn(full_view())


def test_with_room_the_course_over_the_run_is_drawn() -> None:
    text = drawn(full_view(), height=40)
    for part in ("memory", "util", "power", "temperature", "process RSS", "steps 1–59"):
        assert part in text


def test_the_family_of_a_process_that_is_gone_is_itself() -> None:
    assert family_of(2**22 + 7) == {2**22 + 7}
    assert os.getpid() in family_of(os.getpid(), siblings=True)
