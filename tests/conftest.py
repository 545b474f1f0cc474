"""What every test may use."""

from __future__ import annotations

import gc
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None, max_examples=50)
settings.register_profile("campaign", deadline=None, max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# What the person at this machine has set in their own rldk.toml is not what tests are about.
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="rldk-no-configuration-")

SAMPLE_RUNS = Path(__file__).parents[1] / "sample_runs"

# Trainings in tests are tiny: they ask no hub, send no telemetry and share the machine.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay to the end; TRL's PPO collects garbage at every step and would walk them all."""
    gc.freeze()


@pytest.fixture
def sample_runs() -> Path:
    """The folder of the bundled runs."""
    return SAMPLE_RUNS
