"""How far the training was: real checkpoints agree with themselves, mixed ones are told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rldk_tui.checkpoints.file_problem import FileProblem
from rldk_tui.checkpoints.layout import CheckpointFiles, open_checkpoint
from rldk_tui.checkpoints.training_state import OptimizerState, load_optimizer, read_training_state
from rldk_tui.events import Algorithm
from tests.checkpoints.weights import entry, held, write

torch = pytest.importorskip("torch")

STEPS, RATE = 6, 1e-3


def save(folder: Path, step: int = STEPS, planned: int = 10, updates: int = 1, **state: Any) -> CheckpointFiles:
    """A checkpoint as the Trainer makes one: a model of two groups, Adam, a linear schedule, a log of every step."""
    folder.mkdir(parents=True)
    layers = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
    decayed, others = [layers[0].weight], [layers[0].bias, *layers[1].parameters()]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, eps=1e-6)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: max(0.0, 1 - done / planned))
    log = []
    for done in range(step):
        log.append({"step": done + 1, "loss": 1.0, "learning_rate": schedule.get_last_lr()[0]})
        for _ in range(updates):
            layers(torch.ones(1, 3)).square().sum().backward()
            optimizer.step()
        schedule.step()
    torch.save(optimizer.state_dict(), folder / "optimizer.pt")
    torch.save(schedule.state_dict(), folder / "scheduler.pt")
    write(folder / "model.safetensors", {"a": entry(0, 4)}, bytes(4))
    told = {"global_step": step, "max_steps": planned, "epoch": 0.5, "num_train_epochs": 1, "log_history": log, **state}
    (folder / "trainer_state.json").write_text(json.dumps(told))
    return open_checkpoint(folder)


def kinds(files: CheckpointFiles) -> list[str]:
    return [problem.kind for problem in read_training_state(files).problems]


def test_what_the_training_saved(tmp_path: Path) -> None:
    state = read_training_state(save(tmp_path / "checkpoint-6"))
    assert state.trainer is not None
    assert state.optimizer is not None
    assert state.scheduler is not None
    assert (state.problems, state.step, state.trainer.max_steps, state.trainer.epoch) == ((), 6, 10, 0.5)
    assert (state.optimizer.step, state.scheduler.last_epoch) == (6, 6)
    assert state.learning_rate == pytest.approx(0.4 * RATE)
    assert [state.setting(name) for name in ("learning_rate", "weight_decay", "adam_epsilon", "adam_beta2")] == [
        RATE,
        0.1,
        1e-6,
        0.999,
    ]
    assert state.setting("warmup") is None
    saved = torch.load(tmp_path / "checkpoint-6" / "optimizer.pt", weights_only=True)
    for parameter in state.optimizer.parameters:
        for name in ("exp_avg", "exp_avg_sq"):
            moment = getattr(parameter, name)
            expected = saved["state"][parameter.index][name]
            assert moment.shape == tuple(expected.shape)
            assert held(moment).tolist() == expected.reshape(-1).tolist()


@pytest.mark.parametrize(("step", "planned", "updates"), [(1, 10, 1), (10, 10, 1), (8, 20, 4), (50, 100, 1)])
def test_a_healthy_training_contradicts_itself_nowhere(tmp_path: Path, step: int, planned: int, updates: int) -> None:
    assert kinds(save(tmp_path / f"checkpoint-{step}", step, planned, updates)) == []


@pytest.mark.train
def test_real_trainings_contradict_themselves_nowhere(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    from sample_runs.tiny_models import build
    from sample_runs.trainings import common_arguments
    from tests.integrations.trl.trainers import TRAINERS

    for algorithm in (Algorithm.SFT, Algorithm.DPO, Algorithm.PPO):
        TRAINERS[algorithm](build(), common_arguments(str(tmp_path / algorithm), 4), [])
        found = sorted((tmp_path / algorithm).glob("checkpoint-*"))
        assert len(found) == 2
        for folder in found:
            files = open_checkpoint(folder)
            state = read_training_state(files)
            assert (files.problems, state.problems) == ((), ())
            assert state.optimizer is not None
            assert state.optimizer.step
            assert state.step == files.step


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ({"global_step": 5}, "step-mismatch"),
        ({"max_steps": 3}, "step-beyond-end"),
        ({"log_history": [{"step": 9, "loss": 1.0}]}, "log-beyond-step"),
        ({"global_step": None, "log_history": []}, "step-missing"),
        ({"best_model_checkpoint": "/gone/run/checkpoint-2"}, "best-checkpoint-missing"),
        ({"best_model_checkpoint": "run/checkpoint-6", "best_global_step": 2}, "best-step-mismatch"),
    ],
)
def test_what_the_trainers_state_contradicts(tmp_path: Path, state: dict[str, Any], kind: str) -> None:
    assert kind in kinds(save(tmp_path / "checkpoint-6", **state))


def test_the_best_checkpoint_is_found_where_the_run_now_lies(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-2").mkdir()
    assert kinds(save(tmp_path / "checkpoint-6", best_model_checkpoint="/elsewhere/checkpoint-2", best_global_step=2)) == []


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("optimizer.pt", {"optimizer-step-mismatch", "learning-rate-mismatch"}),
        ("scheduler.pt", {"scheduler-step-mismatch", "learning-rate-mismatch"}),
    ],
)
def test_a_file_of_another_save_is_told(tmp_path: Path, file: str, wanted: set[str]) -> None:
    other, files = save(tmp_path / "checkpoint-6", planned=400), save(tmp_path / "checkpoint-300", 300, 400)
    (other.path / file).replace(files.path / file)
    assert set(kinds(files)) == wanted


def test_a_rate_that_was_never_logged_is_told(tmp_path: Path) -> None:
    files = save(tmp_path / "checkpoint-6")
    for name in ("optimizer.pt", "scheduler.pt"):
        saved = torch.load(files.path / name, weights_only=True)
        for group in saved.get("param_groups", []):
            group["lr"] = 0.5
        saved |= {"_last_lr": [0.5, 0.5]} if "last_epoch" in saved else {}
        torch.save(saved, files.path / name)
    assert kinds(files) == ["learning-rate-mismatch"]


def test_a_schedule_that_follows_a_metric_counts_no_steps(tmp_path: Path) -> None:
    files = save(tmp_path / "checkpoint-100", 100, 10**6)
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.ones(1))], lr=RATE)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    torch.save(plateau.state_dict(), files.path / "scheduler.pt")
    assert "scheduler-step-mismatch" not in kinds(files)


def test_the_trainers_state_alone_needs_no_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = save(tmp_path / "checkpoint-6")
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    state = read_training_state(files)
    assert state.step == 6
    assert state.learning_rate == pytest.approx(0.5 * RATE)
    assert [problem.kind for problem in state.problems] == ["torch-missing", "torch-missing"]
    assert read_training_state(replace(files, optimizer=None, scheduler=None)).problems == ()


@pytest.mark.parametrize(
    "content",
    [
        {"global_step": 6, "log_history": "none"},
        {"global_step": 6, "epoch": float("nan"), "log_history": [{"step": 1, "learning_rate": float("inf")}, 3, None]},
        {"global_step": 6, "best_model_checkpoint": 7, "max_steps": -1, "num_train_epochs": "3"},
    ],
)
def test_odd_values_are_not_measured(tmp_path: Path, content: dict[str, Any]) -> None:
    files = save(tmp_path / "checkpoint-6")
    (files.path / "trainer_state.json").write_text(json.dumps(content))
    state = read_training_state(files)
    assert state.step == 6
    assert state.problems == ()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"global_step": 1' + "0" * 5000 + "}"])
def test_a_state_still_being_written_is_one_problem(tmp_path: Path, content: str) -> None:
    files = save(tmp_path / "checkpoint-6")
    (files.path / "trainer_state.json").write_text(content)
    assert kinds(files) == ["bad-json"]


@pytest.mark.parametrize("content", [{}, [], {"state": {}, "param_groups": 3}, {"state": [], "param_groups": []}])
def test_an_optimizer_of_another_make_is_one_problem(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "optimizer.pt")
    found = load_optimizer(tmp_path / "optimizer.pt")
    assert isinstance(found, FileProblem)
    assert found.kind == "unknown-optimizer"


def test_an_optimizer_that_keeps_other_things_has_no_moments(tmp_path: Path) -> None:
    kept = {0: {"momentum_buffer": torch.ones(2)}, 1: {"step": 3, "exp_avg": None}, "x": 5}
    groups = [{"params": [0, 1], "lr": torch.tensor(0.5), "betas": (0.9,)}, 7]
    torch.save({"state": kept, "param_groups": groups}, tmp_path / "optimizer.pt")
    found = load_optimizer(tmp_path / "optimizer.pt")
    assert isinstance(found, OptimizerState)
    assert [parameter.exp_avg for parameter in found.parameters] == [None, None]
    assert (found.step, found.groups[0].lr, found.groups[0].betas, len(found.groups)) == (3, 0.5, None, 1)


def test_moments_that_do_not_fit_are_told(tmp_path: Path) -> None:
    files = save(tmp_path / "checkpoint-6")
    saved = torch.load(files.path / "optimizer.pt", weights_only=True)
    saved["state"][0]["exp_avg_sq"] = torch.ones(7)
    saved["state"][99] = saved["state"][1]
    torch.save(saved, files.path / "optimizer.pt")
    assert kinds(files) == ["optimizer-groups-mismatch", "optimizer-moments-mismatch"]
