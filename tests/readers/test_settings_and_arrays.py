"""What lies beside a log, and evaluations kept as arrays."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest

from rldk_tui.events import Metrics, Phase, ReadProblem, RunDescribed
from rldk_tui.readers import HEAD, evaluations_npz, metrics_json, read_safely, run_settings

FIXTURES = Path(__file__).parent / "fixtures"


def described(tmp_path: Path, name: str, facts: Any) -> RunDescribed:
    file = tmp_path / name
    file.write_text(json.dumps(facts))
    assert run_settings.FORMAT.claims(PurePath(name), file.read_bytes()[:HEAD])
    (fact,) = read_safely(run_settings.FORMAT, file, PurePath(name))
    assert isinstance(fact, RunDescribed)
    return fact


def test_an_adapter_tells_its_base_model(tmp_path: Path) -> None:
    facts = {"base_model_name_or_path": "Qwen/Qwen2.5-3B", "peft_type": "LORA", "r": 64, "target_modules": ["q_proj"]}
    fact = described(tmp_path, "adapter_config.json", facts)
    assert fact.model == "Qwen/Qwen2.5-3B"
    assert fact.config == {"peft.peft_type": "LORA", "peft.r": 64, "peft.target_modules": ["q_proj"]}


def test_a_command_line_tells_its_settings(tmp_path: Path) -> None:
    arguments = ["--base_model", "meta/llama", "--max_steps=250", "--learning-rate", "5e-5", "--bf16", "--output", "out"]
    fact = described(
        tmp_path, "wandb-metadata.json", {"os": "Linux", "python": "CPython 3.13.1", "program": "t.py", "args": arguments}
    )
    assert (fact.model, fact.max_steps, fact.versions) == ("meta/llama", 250, {"python": "3.13.1"})
    assert fact.config == {"base_model": "meta/llama", "max_steps": 250, "learning_rate": 5e-5, "bf16": True, "output": "out"}


def test_a_trial_of_ray_tells_its_trainer(tmp_path: Path) -> None:
    trial = json.dumps({"trainable_name": "MAPPOTrainer", "config": {"lr": 0.0005}})
    fact = described(tmp_path, "experiment_state-2023-05-14.json", {"checkpoints": [trial]})
    assert (fact.trainer, fact.config) == ("MAPPOTrainer", {"lr": 0.0005})


def test_a_real_file_of_arguments_is_the_configuration() -> None:
    file = FIXTURES / "settings-of-ms-swift" / "training_args.json"
    (fact,) = read_safely(run_settings.FORMAT, file, PurePath(file.name))
    assert isinstance(fact, RunDescribed)
    assert fact.config["gradient_accumulation_steps"] == 16


def test_evaluations_are_means_over_their_episodes() -> None:
    file = FIXTURES / "monitor-of-sb3" / "evaluations.npz"
    rows = [read for read in read_safely(evaluations_npz.FORMAT, file, PurePath(file.name)) if isinstance(read, Metrics)]
    with np.load(file) as arrays:
        assert [row.step for row in rows] == arrays["timesteps"].tolist()
        assert [row.values["reward"] for row in rows] == pytest.approx(arrays["results"].mean(axis=1))
    assert {row.phase for row in rows} == {Phase.EVAL}


def test_a_pickle_among_the_arrays_is_not_opened(tmp_path: Path) -> None:
    file = tmp_path / "evaluations.npz"
    np.savez(file, timesteps=np.array([1, 2]), results=np.array([object(), object()], dtype=object))
    (problem,) = [
        read for read in read_safely(evaluations_npz.FORMAT, file, PurePath(file.name)) if isinstance(read, ReadProblem)
    ]
    assert "allow_pickle" in problem.message


def test_arrays_that_unpack_to_gigabytes_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "evaluations.npz"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("timesteps.npy", bytes(600 * 1024 * 1024))
    (problem,) = read_safely(evaluations_npz.FORMAT, file, PurePath(file.name))
    assert isinstance(problem, ReadProblem)
    assert "more than" in problem.message


def test_an_array_of_rows_that_is_cut_off_gives_the_rows_before(tmp_path: Path) -> None:
    whole = FIXTURES / "own-history-as-json" / "history.json"
    cut = tmp_path / "history.json"
    cut.write_text(whole.read_text()[:5000])
    reads = read_safely(metrics_json.FORMAT, cut, PurePath("history.json"))
    rows = [read for read in reads if isinstance(read, Metrics)]
    assert 0 < len(rows) < 20
    assert any(isinstance(read, ReadProblem) and "cut off" in read.message for read in reads)


@pytest.mark.parametrize(
    ("row", "claimed"),
    [
        ({"step": 0, "loss": 0.0, **{f"metric_{index}": 0.5 for index in range(400)}}, True),
        ({"step": 1, "prompt": "p" * 9000, "score": 2}, False),
        ({"name": "x" * 9000, "age": 3}, False),
    ],
)
def test_a_first_row_longer_than_what_is_looked_at_is_told_by_its_beginning(row: dict[str, Any], *, claimed: bool) -> None:
    head = json.dumps([row, row]).encode()[:HEAD]
    assert metrics_json.FORMAT.claims(PurePath("rows.json"), head) is claimed


def test_micro_batches_of_one_step_are_their_mean(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps([{"step": step, "loss": loss} for step in (1, 2) for loss in (1.0, 3.0)]))
    rows = [read for read in read_safely(metrics_json.FORMAT, file, PurePath("rows.json")) if isinstance(read, Metrics)]
    assert [(row.step, row.values) for row in rows] == [(1, {"loss": 2.0}), (2, {"loss": 2.0})]
