"""Checkpoints of real TRL trainings, which the Trainer deletes behind the analysis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rldk_tui.checkpoints import CheckpointAnalyzer
from rldk_tui.checkpoints.record import record_checkpoints
from rldk_tui.events import Severity
from rldk_tui.session import RunSession

pytestmark = pytest.mark.train


class Recorded:
    """Records every checkpoint when it is saved, and keeps what was found."""

    def __init__(self, run: Path) -> None:
        from transformers import TrainerCallback

        self.found: list[Any] = []
        outer = self

        class Callback(TrainerCallback):  # type: ignore[misc]
            def on_save(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
                outer.found += record_checkpoints(run, [run / f"checkpoint-{state.global_step}"])[0]

        self.callback = Callback()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Any:
    pytest.importorskip("trl")
    from sample_runs.tiny_models import build

    return build(tmp_path_factory.mktemp("models"), steps=40)


def train(models: Any, run: Path, callbacks: list[Any], **extra: Any) -> None:
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    from sample_runs.tiny_language import preferences
    from sample_runs.trainings import common_arguments

    arguments = {**common_arguments(str(run), 24), "save_steps": 6, "save_total_limit": 1, "learning_rate": 1e-4}
    DPOTrainer(
        model=models.policy(),
        args=DPOConfig(per_device_train_batch_size=4, **arguments),
        train_dataset=Dataset.from_dict(preferences(1, 32)),
        processing_class=models.tokenizer(),
        callbacks=callbacks,
        **extra,
    ).train()


def test_a_training_that_keeps_one_checkpoint_is_followed_from_save_to_save(models: Any, tmp_path: Path) -> None:
    recorded = Recorded(tmp_path)
    train(models, tmp_path, [recorded.callback])
    assert [analysis.step for analysis in recorded.found] == [6, 12, 18, 24]
    assert [folder.name for folder in tmp_path.glob("checkpoint-*")] == ["checkpoint-24"]
    assert all(issue.severity is Severity.INFO for analysis in recorded.found for issue in analysis.issues)
    drifts = [analysis.since_first.relative for analysis in recorded.found[1:]]
    assert drifts == sorted(drifts)
    assert drifts[0] > 0
    health = RunSession.open(tmp_path).poll()
    assert {"ckpt-nonfinite", "ckpt-unchanged", "ckpt-weight-jump", "adam-epsilon-regime"} <= set(health.evaluated)
    assert not [finding for finding in health.findings if finding.rule.startswith(("ckpt-", "adam-"))]


def test_an_adapter_of_peft(models: Any, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    recorded = Recorded(tmp_path)
    adapter = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    train(models, tmp_path, [recorded.callback], peft_config=adapter)
    last = recorded.found[-1]
    assert last.kind.value == "adapter"
    assert last.figures["checkpoint/lora_b_zero"].value == 0.0
    assert last.health == 1.0
    again = CheckpointAnalyzer().analyze_checkpoint(tmp_path / "checkpoint-24")
    assert again.total == last.total
