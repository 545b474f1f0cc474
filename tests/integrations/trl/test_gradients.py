"""Gradients and weights that are not finite: seen in the step in which they come, and told by the layer they came from."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rldk_tui.events import Algorithm, ExtractionError, ExtractionKind, Metrics, Phase, Severity
from rldk_tui.integrations.trl.gradients import Finiteness
from rldk_tui.session import RunSession
from sample_runs.tiny_models import Models
from sample_runs.trainings import common_arguments
from tests.integrations.trl.conftest import log_of
from tests.integrations.trl.trainers import TRAINERS
from tests.integrations.trl.watched import Watched, measured, named, trainer_of

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

GRADIENTS, WEIGHTS = "hook/nonfinite_gradients", "hook/nonfinite_parameters"
LAYER = "model.layers.1.mlp.down_proj.weight"
STEPS, BROKEN = 9, 7


def model_of(*sizes: tuple[int, int]) -> Any:
    return torch.nn.Sequential(*(torch.nn.Linear(*size, bias=False) for size in sizes))


def with_gradients(model: Any, value: float = 0.1) -> Any:
    for weight in model.parameters():
        weight.grad = torch.full_like(weight, value)
    return model


def test_every_step_is_looked_at_and_a_clean_one_is_zero(tmp_path: Path) -> None:
    watched = Watched(tmp_path, Finiteness(1), model=with_gradients(model_of((3, 2), (2, 1))))
    for _ in range(3):
        watched.step()
    assert measured(log_of(tmp_path), GRADIENTS) == {1: 0.0, 2: 0.0, 3: 0.0}
    assert measured(log_of(tmp_path), WEIGHTS)[1] == 0.0


def test_of_several_the_one_nearest_to_the_loss_comes_first(tmp_path: Path) -> None:
    model = with_gradients(model_of((3, 3), (3, 3), (3, 3)))
    watched = Watched(tmp_path, Finiteness(1), model=model)
    model[0].weight.grad[0, 0] = math.nan
    model[1].weight.grad[2, 1] = math.inf
    watched.step()
    assert measured(log_of(tmp_path), GRADIENTS)[1] == 2.0
    assert named(log_of(tmp_path), GRADIENTS)[1] == ("1.weight", "0.weight")


def test_weights_that_broke_before_their_gradients_are_told(tmp_path: Path) -> None:
    model = with_gradients(model_of((3, 3), (3, 3)))
    watched = Watched(tmp_path, Finiteness(1), model=model)
    watched.step()
    with torch.no_grad():
        model[0].weight[0, 0] = math.inf
    with_gradients(model, math.nan)
    watched.step()
    assert measured(log_of(tmp_path), WEIGHTS)[2] == 1.0
    assert named(log_of(tmp_path), WEIGHTS)[2] == ("0.weight",)


def test_a_gradient_whose_square_is_too_large_is_finite(tmp_path: Path) -> None:
    watched = Watched(tmp_path, Finiteness(1), model=with_gradients(model_of((3, 3)), 1e30))
    watched.step()
    assert measured(log_of(tmp_path), GRADIENTS)[1] == 0.0


def test_zeros_are_written_at_the_interval_and_right_after_an_alarm_which_is_written_at_once(tmp_path: Path) -> None:
    model = model_of((3, 3))
    watched = Watched(tmp_path, Finiteness(4), model=model)
    for step in range(1, 9):
        with_gradients(model, math.nan if step == 6 else 0.1)
        watched.step()
    assert measured(log_of(tmp_path), GRADIENTS) == {4: 0.0, 6: 1.0, 7: 0.0, 8: 0.0}


def test_another_rank_writes_alarms_alone(tmp_path: Path) -> None:
    model = with_gradients(model_of((3, 3)))
    watched = Watched(tmp_path, Finiteness(1), rank=1, model=model)
    watched.step()
    with_gradients(model, math.nan)
    watched.step()
    assert measured(log_of(tmp_path, rank=1), GRADIENTS) == {2: 1.0}


def test_a_training_without_gradients_at_hand_is_not_measured_and_says_why_once(tmp_path: Path) -> None:
    watched = Watched(tmp_path, Finiteness(1), model=model_of((3, 3)))
    watched.step()
    watched.step()
    assert measured(log_of(tmp_path), GRADIENTS) == {}
    (why,) = log_of(tmp_path).of(ExtractionError)
    assert (why.kind, why.metric) == (ExtractionKind.UNAVAILABLE, GRADIENTS)


@pytest.mark.parametrize("kind", ["sparse", "empty"])
def test_unusual_gradients_are_looked_at_too(tmp_path: Path, kind: str) -> None:
    model = torch.nn.Embedding(5, 2, sparse=True) if kind == "sparse" else torch.nn.Linear(0, 2)
    watched = Watched(tmp_path, Finiteness(1), model=model)
    given = torch.tensor([1, 1]) if kind == "sparse" else torch.zeros(1, 0)
    model(given).sum().backward()
    watched.step()
    assert measured(log_of(tmp_path), GRADIENTS)[1] == 0.0


@pytest.mark.parametrize("dtypes", [("float64",), ("bfloat16", "float32"), ("float16", "float64")])
@pytest.mark.parametrize("value", [0.1, math.nan])
def test_every_precision_is_looked_at(tmp_path: Path, dtypes: tuple[str, ...], value: float) -> None:
    layers = (torch.nn.Linear(3, 3, bias=False, dtype=getattr(torch, dtype)) for dtype in dtypes)
    model = with_gradients(torch.nn.Sequential(*layers))
    watched = Watched(tmp_path, Finiteness(1), model=model)
    model[0].weight.grad[0, 0] = value
    watched.step()
    assert measured(log_of(tmp_path), GRADIENTS)[1] == (0.0 if value == 0.1 else 1.0)


def break_layer(trainer: Any, model: Any) -> None:
    """A NaN in the gradient of one layer, in one step."""
    weight = dict(model.named_parameters())[LAYER]
    weight.register_hook(lambda gradient: gradient * math.nan if trainer.state.global_step == BROKEN - 1 else gradient)


def told(run: Path) -> Any:
    """The finding about it."""
    health = RunSession(run).poll()
    return next(finding for finding in health.findings if finding.rule == "nan-step-masked")


@pytest.mark.train
@pytest.mark.parametrize("algorithm", [Algorithm.SFT, Algorithm.DPO])
def test_a_gradient_that_no_log_shows_is_found_with_its_layer(algorithm: Algorithm, models: Models, tmp_path: Path) -> None:
    from rldk_tui.integrations.trl import RLDKCallback

    trainer = trainer_of(algorithm, models, tmp_path, STEPS, logging_steps=5)
    RLDKCallback().attach(trainer)
    break_layer(trainer, trainer.model)
    trainer.train()
    rows = [row for row in log_of(tmp_path).of(Metrics) if row.phase is Phase.TRAIN]
    assert [row.step for row in rows] == [5]
    assert all(value is None or math.isfinite(value) for row in rows for value in row.values.values())
    assert all(math.isfinite(entry["train_loss"]) for entry in trainer.state.log_history if "train_loss" in entry)
    found = told(tmp_path)
    assert (found.severity, found.first_step) == (Severity.CRITICAL, BROKEN)
    assert f"In 1 tensor the gradients were not finite at step {BROKEN} ({LAYER})" in found.summary
    assert "clip_grad_norm_" not in vars(trainer.accelerator)


@pytest.mark.train
def test_without_the_trainer_the_step_is_told_and_that_the_layer_cannot_be(models: Models, tmp_path: Path) -> None:
    from rldk_tui.integrations.trl import RLDKCallback

    trainer = trainer_of(Algorithm.SFT, models, tmp_path, STEPS, logging_steps=5)
    trainer.add_callback(RLDKCallback())
    break_layer(trainer, trainer.model)
    trainer.train()
    assert told(tmp_path).first_step == BROKEN
    assert BROKEN not in named(log_of(tmp_path), GRADIENTS)
    (why,) = [error for error in log_of(tmp_path).of(ExtractionError) if error.metric == GRADIENTS]
    assert "attach" in (why.advice or "")


@pytest.mark.train
def test_a_training_that_dies_of_it_in_the_next_sampling_has_told_the_layer(models: Models, tmp_path: Path) -> None:
    from rldk_tui.integrations.trl import RLDKCallback

    trainer = trainer_of(Algorithm.GRPO, models, tmp_path, STEPS, logging_steps=5)
    RLDKCallback().attach(trainer)
    break_layer(trainer, trainer.model)
    with contextlib.suppress(RuntimeError):  # "probability tensor contains either inf, nan or element < 0"
        trainer.train()
    assert f"({LAYER})" in told(tmp_path).summary


@pytest.mark.train
def test_ppo_tells_no_optimizer_step_and_is_looked_at_all_the_same(models: Models, tmp_path: Path) -> None:
    from transformers import TrainerCallback

    from rldk_tui.integrations.trl import RLDKCallback

    class Breaking(TrainerCallback):  # type: ignore[misc] # transformers is not followed by the type checker
        def on_train_begin(self, _args: Any, state: Any, _control: Any, model: Any = None, **_: Any) -> None:
            break_layer(SimpleNamespace(state=state), model.policy)

    if Algorithm.PPO not in TRAINERS:
        pytest.skip("this trl has no PPO")
    with contextlib.suppress(RuntimeError):  # the next sampling fails
        TRAINERS[Algorithm.PPO](models, common_arguments(str(tmp_path), STEPS), [RLDKCallback(), Breaking()])
    found = told(tmp_path)
    assert found.first_step == BROKEN
    assert f"In 1 tensor the gradients were not finite at step {BROKEN} (policy.{LAYER})" in found.summary
