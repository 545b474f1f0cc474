"""Which weights will train, told before the first step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rldk_tui.events import ExtractionError, ExtractionKind
from rldk_tui.integrations.trl.parameters import Parameters
from tests.integrations.trl.conftest import log_of
from tests.integrations.trl.watched import Watched, measured

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")


def counted(run: Path, model: Any, optimizer: Any = None, **seen: Any) -> dict[str, float | None]:
    Watched(run, Parameters(), model=model, optimizer=optimizer, **seen)
    names = ("total", "trainable", "in_optimizer")
    found = {name: measured(log_of(run), f"hook/parameters_{name}") for name in names}
    return {name: steps[0] for name, steps in found.items() if steps}


def model_of_two() -> Any:
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 1))


def test_all_are_counted_before_the_first_step(tmp_path: Path) -> None:
    model = model_of_two()
    found = counted(tmp_path, model, torch.optim.SGD(model.parameters(), lr=0.1))
    assert found == {"total": 21.0, "trainable": 21.0, "in_optimizer": 21.0}


def test_a_tied_weight_counts_once(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 3, bias=False), torch.nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    assert counted(tmp_path, model)["total"] == 9.0


def test_frozen_weights_and_weights_of_another_model_do_not_train(tmp_path: Path) -> None:
    model, another = model_of_two(), model_of_two()
    model[0].requires_grad_(requires_grad=False)
    optimizer = torch.optim.SGD([*another.parameters(), model[1].bias], lr=0.1)
    assert counted(tmp_path, model, optimizer) == {"total": 21.0, "trainable": 5.0, "in_optimizer": 1.0}


def test_without_an_optimizer_what_it_holds_is_not_measured(tmp_path: Path) -> None:
    assert counted(tmp_path, model_of_two()) == {"total": 21.0, "trainable": 21.0}


def test_an_empty_part_of_a_spread_weight_is_no_count(tmp_path: Path) -> None:
    model = model_of_two()
    model[0].weight.data = torch.empty(0)
    assert counted(tmp_path, model) == {}
    (why,) = log_of(tmp_path).of(ExtractionError)
    assert (why.kind, why.metric) == (ExtractionKind.UNAVAILABLE, "hook/parameters_total")


def test_deepspeed_says_how_many_there_are(tmp_path: Path) -> None:
    model = model_of_two()
    for weight in model.parameters():
        weight.ds_numel = weight.numel()
        weight.data = torch.empty(0)
    assert counted(tmp_path, model) == {"total": 21.0, "trainable": 21.0}


def test_only_the_process_that_logs_counts(tmp_path: Path) -> None:
    Watched(tmp_path, Parameters(), rank=1, model=model_of_two())
    assert measured(log_of(tmp_path, rank=1), "hook/parameters_total") == {}
