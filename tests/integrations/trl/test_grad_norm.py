"""Gradient norms of the steps that no log shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rldk_tui.events import Algorithm
from sample_runs.tiny_models import Models
from sample_runs.trainings import common_arguments
from tests.integrations.trl.conftest import log_of
from tests.integrations.trl.trainers import TRAINERS
from tests.integrations.trl.watched import measured, named, trainer_of

pytestmark = pytest.mark.train
pytest.importorskip("trl")

from rldk_tui.integrations.trl import RLDKCallback  # noqa: E402 - needs transformers

PEAK = "hook/grad_norm_peak"
STEPS = 12


def trained(models: Models, run: Path, **more: Any) -> Any:
    """A supervised training with the callback attached."""
    trainer = trainer_of(Algorithm.SFT, models, run, STEPS, max_grad_norm=0.1, **more)
    RLDKCallback().attach(trainer)
    trainer.train()
    return trainer


def bits(trainer: Any) -> list[str]:
    return [float(weight.detach().double().sum()).hex() for weight in trainer.model.parameters()]


@pytest.mark.parametrize("strategy", ["steps", "epoch"])
def test_the_peak_between_two_logs_is_the_largest_of_all_norms_before_clipping(
    strategy: str, models: Models, tmp_path: Path
) -> None:
    every = trained(models, tmp_path / "every", logging_steps=1)
    some = trained(models, tmp_path / "some", logging_steps=4, logging_strategy=strategy)
    norms = {entry["step"]: entry["grad_norm"] for entry in every.state.log_history if "grad_norm" in entry}
    assert min(norms.values()) > 0.1, "they would be 0.1 after clipping"
    window = 4 if strategy == "steps" else 8
    logged = list(range(window, STEPS + 1, window))
    peaks = measured(log_of(tmp_path / "some"), PEAK)
    for step in logged:
        peak_step = max(range(step - window + 1, step + 1), key=norms.__getitem__)
        assert peaks[step] == pytest.approx(norms[peak_step])
        assert named(log_of(tmp_path / "some"), PEAK)[step] == (f"step {peak_step}",)
    assert measured(log_of(tmp_path / "every"), PEAK) == {}, "the log tells it all"
    assert bits(every) == bits(some)


@pytest.mark.parametrize("algorithm", [Algorithm.SFT, Algorithm.GRPO])
def test_watching_inside_changes_not_one_bit_and_is_given_back(algorithm: Algorithm, models: Models, tmp_path: Path) -> None:
    def trained_with(watch: Callable[[Any], Any], name: str) -> Any:
        trainer = trainer_of(algorithm, models, tmp_path / name, STEPS, max_grad_norm=0.1, logging_steps=4)  # seeds anew
        watch(trainer)
        trainer.train()
        return trainer

    attached = trained_with(RLDKCallback().attach, "attached")
    other = trained_with(lambda trainer: trainer.add_callback(RLDKCallback()), "other")
    bare = trained_with(lambda _: None, "bare")
    assert bits(attached) == bits(other) == bits(bare)
    assert "clip_grad_norm_" not in vars(attached.accelerator)
    assert measured(log_of(tmp_path / "other"), PEAK) == {}


def test_ppo_is_measured_network_by_network(models: Models, tmp_path: Path) -> None:
    if Algorithm.PPO not in TRAINERS:
        pytest.skip("this trl has no PPO")
    TRAINERS[Algorithm.PPO](models, common_arguments(str(tmp_path), 4), [RLDKCallback()])
    log = log_of(tmp_path)
    policy, value, peak = (measured(log, f"hook/{name}") for name in ("policy_grad_norm", "value_grad_norm", "grad_norm_peak"))
    assert list(policy) == list(value) == list(peak) == [1, 2, 3, 4]
    for step in policy:
        sizes = (policy[step] or 0.0, value[step] or 0.0, peak[step] or 0.0)
        assert all(size > 0.0 and math.isfinite(size) for size in sizes)
        assert sizes[2] >= max(sizes[:2])
    assert list(measured(log, "hook/nonfinite_gradients").values()) == [0.0] * 4
