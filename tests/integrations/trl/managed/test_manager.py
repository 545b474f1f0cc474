"""From one description to a watched, judged and reported training, for every trainer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rldk_tui.errors import UserError
from rldk_tui.events import Checkpoint, Completions, Event, Metrics, RunEnded, RunStarted
from sample_runs.tiny_language import preferences, prompts
from sample_runs.tiny_models import Models
from tests.integrations.trl.conftest import log_of

pytestmark = pytest.mark.train
pytest.importorskip("trl")

SMALL: dict[str, dict[str, Any]] = {
    "grpo": {"num_generations": 4, "max_completion_length": 8},
    "rloo": {"num_generations": 4, "max_completion_length": 8},
    "online_dpo": {"max_new_tokens": 8},
    "ppo": {"gradient_accumulation_steps": 1, "num_mini_batches": 1, "response_length": 8, "num_sample_generations": 0},
}
COMMON = {"bf16": False, "use_cpu": True, "save_steps": 2, "disable_tqdm": True}


def described(trainer: str, models: Models, folder: Path, **more: Any) -> Any:
    from rldk_tui.integrations.trl import TRLIntegrationConfig

    sampling = trainer in SMALL
    return TRLIntegrationConfig(
        **{
            "trainer": trainer,
            "model_name": str(models.reward if trainer == "reward" else models.language),
            "dataset_name": str(_data(trainer, folder)),
            "output_dir": str(folder / "run"),
            "reward_functions": ("sample_runs.tiny_language:topic_reward",) if sampling and trainer != "ppo" else (),
            "reward_model_name": str(models.reward) if trainer == "ppo" else None,
            "learning_rate": 1e-4,
            "batch_size": 8,
            "num_steps": 4,
            "enable_report": False,
            "trainer_arguments": COMMON | SMALL.get(trainer, {}),
            **more,
        }
    )


def _data(trainer: str, folder: Path) -> Path:
    pairs = preferences(1, 32)
    rows: list[dict[str, Any]] = [{"prompt": text} for text in prompts(1, 32)]
    if trainer in {"dpo", "reward"}:
        rows = [dict(zip(pairs, row, strict=True)) for row in zip(*pairs.values(), strict=True)]
    elif trainer == "sft":
        rows = [{"prompt": a, "completion": b} for a, b in zip(pairs["prompt"], pairs["chosen"], strict=True)]
    elif trainer == "kto":
        rows = [
            {"prompt": prompt, "completion": text, "label": label}
            for prompt, good, bad in zip(*pairs.values(), strict=True)
            for text, label in ((good, True), (bad, False))
        ]
    file = folder / f"{trainer}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.mark.parametrize("trainer", ["ppo", "grpo", "rloo", "online_dpo", "dpo", "kto", "reward", "sft"])
def test_every_trainer_is_built_and_watched(trainer: str, models: Models, tmp_path: Path) -> None:
    from rldk_tui.integrations.trl import TRLIntegrationManager

    if trainer == "ppo":
        pytest.importorskip("trl.experimental.ppo", reason="this trl has no PPO")
    manager = TRLIntegrationManager(described(trainer, models, tmp_path))
    result = manager.train_with_monitoring()
    assert (result.steps, result.state, result.problem) == (4, "finished", None)
    assert result.score is not None
    assert [folder.name for folder in result.checkpoints] == ["checkpoint-2", "checkpoint-4"]
    assert result.metrics is not None
    assert result.metrics.step == 4
    log = log_of(tmp_path / "run")
    assert len(log.of(Metrics)) >= 4
    assert bool(log.of(Completions)) == (trainer in SMALL)


def test_steps_and_checkpoints_can_be_chosen_and_a_report_is_written(models: Models, tmp_path: Path) -> None:
    from rldk_tui.integrations.trl import TRLIntegrationManager

    manager = TRLIntegrationManager(described("sft", models, tmp_path, enable_report=True))
    result = manager.train_with_monitoring(num_steps=3, save_checkpoints=False)
    assert result.steps == 3
    assert result.checkpoints == ()
    assert result.report is not None
    assert result.report.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_custom_callbacks_receive_typed_events_and_may_fail(models: Models, tmp_path: Path) -> None:
    from rldk_tui.integrations.trl import RLDKMetrics, TrainingCallback, TRLIntegrationManager

    heard: list[Any] = []

    class Mine(TrainingCallback):
        def on_metrics(self, metrics: RLDKMetrics) -> None:
            heard.append(metrics)
            raise ZeroDivisionError("of the user")

        def on_event(self, event: Event) -> None:
            heard.append(event)

    manager = TRLIntegrationManager(described("grpo", models, tmp_path), callbacks=[Mine()])
    result = manager.train_with_monitoring()
    assert result.steps == 4
    assert [record.step for record in heard if isinstance(record, RLDKMetrics)][:4] == [1, 2, 3, 4]
    kinds = [type(event) for event in heard]
    assert kinds[0] is RunStarted
    assert {Completions, Checkpoint} <= set(kinds)
    assert RunEnded in kinds
    assert b"ZeroDivisionError: of the user" in log_of(tmp_path / "run").path.read_bytes()


def test_a_model_and_data_in_hand_are_taken(models: Models, tmp_path: Path) -> None:
    from datasets import Dataset

    from rldk_tui.integrations.trl import TRLIntegrationManager

    config = described("sft", models, tmp_path, dataset_name=None)
    manager = TRLIntegrationManager(config)
    with pytest.raises(UserError, match="nothing to train on"):
        manager.setup_trl_trainer()
    model = models.policy()
    trainer = manager.setup_trl_trainer(model, Dataset.from_dict({"text": prompts(1, 32)}))
    assert trainer.model is model
    assert manager.train_with_monitoring(num_steps=1).steps == 1


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"trainer_arguments": {"max_stepz": 3}}, "has no argument 'max_stepz'"),
        ({"trainer_arguments": {"save_strategy": "sometimes"}}, "SFTConfig refuses its arguments"),
        ({"model_name": "/nowhere"}, "'/nowhere' cannot be loaded"),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_sentence(
    more: dict[str, Any], told: str, models: Models, tmp_path: Path
) -> None:
    from rldk_tui.integrations.trl import TRLIntegrationManager

    with pytest.raises(UserError, match=told):
        TRLIntegrationManager(described("sft", models, tmp_path, **more)).setup_trl_trainer()
