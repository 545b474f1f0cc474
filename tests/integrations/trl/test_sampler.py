"""The machine is sampled while a step hangs, and no longer than the loop runs."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rldk_tui.events import System
from tests.integrations.trl.conftest import log_of

pytest.importorskip("transformers")


def callback_of(run: Path, interval: float) -> Any:
    from rldk_tui.integrations.trl import RLDKCallback

    return RLDKCallback(run, system_interval=interval)


def _args(run: Path) -> Any:
    return SimpleNamespace(output_dir=str(run), to_dict=dict, process_index=0, run_name=None)


def _state() -> Any:
    return SimpleNamespace(global_step=0, max_steps=4, is_world_process_zero=True, is_local_process_zero=True)


def samples(run: Path) -> int:
    return len(log_of(run).of(System))


def test_samples_come_without_a_step_and_end_with_the_loop(tmp_path: Path) -> None:
    callback = callback_of(tmp_path, 0.05)
    callback.on_train_begin(_args(tmp_path), _state(), None)
    deadline = time.monotonic() + 20
    while samples(tmp_path) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert samples(tmp_path) >= 4
    callback.on_train_end(_args(tmp_path), _state(), None)
    after = samples(tmp_path)
    time.sleep(0.3)
    assert samples(tmp_path) == after


def test_the_first_sample_does_not_wait(tmp_path: Path) -> None:
    callback_of(tmp_path, 1000.0).on_train_begin(_args(tmp_path), _state(), None)
    assert samples(tmp_path) == 1
