"""What this process and machine use: plausible numbers, and None instead of an invented 0."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest

from rldk_tui import system
from rldk_tui.system import host, process


def test_memory_is_in_bytes_and_this_process_has_some() -> None:
    used = process.read_process()
    assert used.rss is not None
    assert used.vms is not None
    assert 1_000_000 < used.rss <= used.vms


def test_the_first_cpu_share_is_not_measured_and_the_next_is() -> None:
    own = process._OwnProcess(os.getpid())
    assert own.read().cpu_percent is None
    until = time.perf_counter() + 0.05
    while time.perf_counter() < until:
        pass
    busy = own.read().cpu_percent
    assert busy is not None
    assert busy > 0


def test_the_first_cpu_share_of_the_host_is_not_measured_either() -> None:
    measured = host._HostCpu()
    assert measured.read() is None
    assert measured.read() is not None


def test_a_process_that_cannot_be_asked_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(pid: int) -> None:
        raise psutil.AccessDenied(pid)

    monkeypatch.setattr(process, "_own_process", denied)
    assert process.read_process() == process.ProcessUse()


def test_the_host_has_more_memory_and_disk_than_is_used(tmp_path: Path) -> None:
    found = host.read_host(tmp_path)
    assert found.memory_used is not None
    assert found.memory_total is not None
    assert 0 < found.memory_used < found.memory_total
    assert found.disk_free is not None
    assert found.disk_total is not None
    assert 0 <= found.disk_free < found.disk_total


def test_a_folder_that_is_not_there_has_no_disk(tmp_path: Path) -> None:
    found = host.read_host(tmp_path / "gone")
    assert (found.disk_free, found.disk_total) == (None, None)
    assert found.memory_total is not None


def test_a_sample_carries_its_step_and_rank() -> None:
    taken = system.sample(7, rank=3, with_gpus=False)
    assert (taken.step, taken.rank, taken.gpus) == (7, 3, ())
    assert taken.process_rss is not None
    assert abs(taken.time - time.time()) < 60


def test_hardware_facts_are_json_and_leave_out_what_is_unknown() -> None:
    facts = system.hardware_facts()
    assert facts["cpus"] == psutil.cpu_count()
    assert None not in facts.values()
