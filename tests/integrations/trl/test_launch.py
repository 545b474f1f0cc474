"""The facts of a launch: right where they can be known, absent where not, and never a reason to stop."""

from __future__ import annotations

import json
import os
import subprocess
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rldk_tui.events import Algorithm, encode_line
from rldk_tui.integrations.trl.border import Border
from rldk_tui.integrations.trl.git_revision import git_revision
from rldk_tui.integrations.trl.launch import as_json, config, model_name, run_started, trainer_names, versions


class Strategy(Enum):
    STEPS = "steps"


class GRPOConfig:
    """Stands in for TRL's class of the same name."""

    output_dir = "out"
    seed = 3
    process_index = 1
    world_size = 4
    hub_token = "hf_secret"  # noqa: S105
    stop_token = "eos"  # noqa: S105

    def to_dict(self) -> dict[str, Any]:
        return {
            "learning_rate": 1e-3,
            "save_strategy": Strategy.STEPS,
            "hub_token": "<HUB_TOKEN>",
            "push_to_hub_token": "<PUSH_TO_HUB_TOKEN>",
            "stop_token": "<STOP_TOKEN>",
            "logging_dir": Path("runs"),
            "seed": 2**80,
            "model_init_kwargs": {"dtype": object(), "api_key": "sk-1", "revision": "main"},
            "names": {"b", "a"} - {"b"},
            "broken": "\ud800",
        }


class MyConfig(GRPOConfig):
    """A user's own."""


def started(args: Any, told: list[str] | None = None, **state: Any) -> Any:
    tell = (told if told is not None else []).append
    return run_started(args, SimpleNamespace(**{"max_steps": 100, "global_step": 0} | state), None, "r", Border(tell))


@pytest.mark.parametrize(
    ("name", "algorithm", "trainer"),
    [
        ("GRPOConfig", Algorithm.GRPO, "GRPOTrainer"),
        ("RLOOConfig", Algorithm.RLOO, "RLOOTrainer"),
        ("PPOConfig", Algorithm.PPO, "PPOTrainer"),
        ("DPOConfig", Algorithm.DPO, "DPOTrainer"),
        ("KTOConfig", Algorithm.KTO, "KTOTrainer"),
        ("OnlineDPOConfig", Algorithm.ONLINE_DPO, "OnlineDPOTrainer"),
        ("RewardConfig", Algorithm.REWARD, "RewardTrainer"),
        ("SFTConfig", Algorithm.SFT, "SFTTrainer"),
        ("TrainingArguments", None, None),
    ],
)
def test_the_class_of_the_arguments_tells_the_trainer(name: str, algorithm: Algorithm | None, trainer: str | None) -> None:
    assert trainer_names(type(name, (), {})()) == (algorithm, trainer)


def test_a_users_own_config_class_is_still_its_trainers() -> None:
    assert trainer_names(MyConfig()) == (Algorithm.GRPO, "GRPOTrainer")


def test_the_config_is_json_without_secrets() -> None:
    kept = config(GRPOConfig())
    text = json.dumps(kept, allow_nan=False)
    assert "secret" not in text
    assert "sk-1" not in text
    assert "hub_token" not in text
    assert kept["save_strategy"] == "steps"
    assert kept["stop_token"] == "eos"  # noqa: S105
    assert kept["logging_dir"] == "runs"
    assert kept["names"] == ["a"]
    assert kept["model_init_kwargs"]["revision"] == "main"


def test_a_config_that_holds_itself_ends() -> None:
    endless: dict[str, Any] = {"x": 1}
    endless["self"] = endless
    json.dumps(as_json(endless))


def test_a_launch_that_is_resumed_starts_at_its_checkpoint() -> None:
    event = started(GRPOConfig(), global_step=60)
    assert (event.first_step, event.max_steps, event.seed) == (60, 100, 3)
    assert (event.rank, event.world_size, event.pid) == (1, 4, os.getpid())
    encode_line(event)


def test_a_fact_that_cannot_be_found_out_is_left_out_and_told() -> None:
    class RewardConfig:
        def to_dict(self) -> None:
            raise RuntimeError("no dict today")

    told: list[str] = []
    event = started(RewardConfig(), told)
    assert event.algorithm is Algorithm.REWARD
    assert event.config == {}
    assert event.versions
    assert told == ["could not read the training arguments: RuntimeError: no dict today"]


def test_an_unknown_number_of_steps_is_not_zero() -> None:
    assert started(GRPOConfig(), max_steps=0).max_steps is None


def test_versions_name_python_and_this_package_s_peers() -> None:
    assert versions()["python"].startswith("3.")


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (None, None),
        (SimpleNamespace(config=SimpleNamespace(_name_or_path="Qwen/Qwen3-0.6B")), "Qwen/Qwen3-0.6B"),
        (SimpleNamespace(policy=SimpleNamespace(config=SimpleNamespace(_name_or_path="p"))), "p"),
        (SimpleNamespace(module=SimpleNamespace(config=SimpleNamespace(_name_or_path="m"))), "m"),
        (SimpleNamespace(config=SimpleNamespace(_name_or_path="")), "SimpleNamespace"),
    ],
)
def test_a_model_goes_by_where_it_came_from(model: Any, name: str | None) -> None:
    assert model_name(model) == name


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    ran = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "-b", "main")
    return tmp_path


def test_the_git_revision_is_the_commit_checked_out_in_every_shape(repository: Path) -> None:
    assert git_revision(repository) is None
    _git(repository, "commit", "--allow-empty", "-m", "one")
    head = _git(repository, "rev-parse", "HEAD")
    below = repository / "scripts"
    below.mkdir()
    assert git_revision(below) == head
    _git(repository, "pack-refs", "--all")
    assert git_revision(repository) == head
    _git(repository, "worktree", "add", "-b", "feature/x", "tree")
    assert git_revision(repository / "tree") == head
    _git(repository, "checkout", "--detach")
    assert git_revision(repository) == head


def test_outside_a_repository_there_is_no_revision(tmp_path: Path) -> None:
    assert git_revision(tmp_path) is None
