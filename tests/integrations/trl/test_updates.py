"""How far a step moves the weights, and which updates their precision swallows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rldk_tui.events import ExtractionError, ExtractionKind
from rldk_tui.integrations.trl.updates import Updates
from tests.integrations.trl.conftest import log_of
from tests.integrations.trl.watched import Watched, measured

torch = pytest.importorskip("torch")

RATIO, LOST = "hook/update_ratio", "hook/lost_updates"


def linear(value: float, dtype: Any = None) -> Any:
    layer = torch.nn.Linear(8, 8, bias=False, dtype=dtype)
    with torch.no_grad():
        layer.weight.fill_(value)
    layer.weight.grad = torch.full_like(layer.weight, 2.0)
    return layer


def train(run: Path, model: Any, steps: int = 5, optimizer: Any = None, **seen: Any) -> Any:
    watched = Watched(run, Updates(1), model=model, optimizer=optimizer, **seen)
    for _ in range(steps):
        watched.step()
    return log_of(run)


def test_every_fifth_step_is_measured_against_the_weights_before_it(tmp_path: Path) -> None:
    model = linear(10.0)
    log = train(tmp_path, model, 11, torch.optim.SGD(model.parameters(), lr=0.5))
    ratios = measured(log, RATIO)
    assert ratios == {5: pytest.approx(1.0 / 6.0), 10: pytest.approx(1.0 / 1.0)}
    assert measured(log, LOST) == {5: 0.0, 10: 0.0}


@pytest.mark.parametrize(("dtype", "lost"), [("bfloat16", 1.0), ("float32", 0.0)])
def test_a_coarse_precision_loses_small_updates(tmp_path: Path, dtype: str, lost: float) -> None:
    model = linear(0.02, getattr(torch, dtype))
    log = train(tmp_path, model, optimizer=torch.optim.AdamW(model.parameters(), lr=1e-6, weight_decay=0.0))
    assert measured(log, LOST) == {5: lost}


def test_without_a_learning_rate_nothing_was_to_change_and_nothing_is_lost(tmp_path: Path) -> None:
    model = linear(1.0)
    log = train(tmp_path, model, optimizer=torch.optim.SGD(model.parameters(), lr=0.0))
    assert measured(log, RATIO) == {5: 0.0}
    assert measured(log, LOST) == {}


def test_a_weight_without_a_gradient_was_not_to_change(tmp_path: Path) -> None:
    model = linear(1.0)
    model.weight.grad[:4] = 0.0
    log = train(tmp_path, model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    assert measured(log, LOST) == {5: 0.0}


def test_a_step_that_the_loss_scaler_skips_is_no_measurement(tmp_path: Path) -> None:
    log = train(tmp_path, linear(1.0), args=SimpleNamespace(fp16=True))
    assert measured(log, RATIO) == {}
    assert measured(log, LOST) == {}


def test_tensors_of_zeros_have_no_ratio(tmp_path: Path) -> None:
    model = torch.nn.Sequential(linear(0.0), linear(4.0))
    log = train(tmp_path, model, 5, torch.optim.SGD(model[1].parameters(), lr=0.0))
    assert measured(log, RATIO) == {5: 0.0}


def test_the_sample_is_small_whatever_the_model(tmp_path: Path) -> None:
    model = torch.nn.Sequential(*(torch.nn.Linear(300, 300, bias=False) for _ in range(40)))
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    part = Updates(1)
    watched = Watched(tmp_path, part, model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    for _ in range(4):
        watched.step()
    part.before_optimizer(5)
    assert part._before is not None
    assert sum(values.numel() for values in part._before.values) <= 16 * 8192
    assert len(part._before.values) > 8


def test_where_no_weight_trains_it_is_said(tmp_path: Path) -> None:
    log = train(tmp_path, linear(1.0).requires_grad_(requires_grad=False))
    assert [error.kind for error in log.of(ExtractionError)] == [ExtractionKind.UNAVAILABLE]
