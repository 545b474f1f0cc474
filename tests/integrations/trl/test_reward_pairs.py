"""The scores of a reward model's pairs, seen in real trainings that stay the same to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rldk_tui.events import ExtractionError, Measured
from sample_runs.tiny_language import preferences
from sample_runs.tiny_models import Models
from sample_runs.trainings import common_arguments
from tests.integrations.trl.conftest import log_of
from tests.integrations.trl.watched import measured

pytestmark = pytest.mark.train
pytest.importorskip("trl")

PAIRS = 48


def reward_trainer(models: Models, run: Path, *, evaluate: bool = True, steps: int = 6, **more: Any) -> Any:
    from datasets import Dataset
    from trl import RewardConfig, RewardTrainer

    evaluation = {"eval_strategy": "steps", "eval_steps": 3} if evaluate else {"eval_strategy": "no"}
    arguments = {**common_arguments(str(run), steps), "save_strategy": "no", "per_device_train_batch_size": 8}
    return RewardTrainer(
        model=models.scorer(),
        args=RewardConfig(**{**arguments, **evaluation, **more}),
        train_dataset=Dataset.from_dict(preferences(1, PAIRS)),
        eval_dataset=Dataset.from_dict(preferences(2, PAIRS)) if evaluate else None,
        processing_class=models.tokenizer(),
    )


def watched(trainer: Any) -> Any:
    from rldk_tui.integrations.trl import RLDKCallback

    RLDKCallback(checkpoint_analysis=False).attach(trainer)
    return trainer


def logged(trainer: Any) -> list[dict[str, Any]]:
    """What the trainer logged, but for times."""
    timed = ("runtime", "per_second")
    return [{k: v for k, v in row.items() if not k.endswith(timed)} for row in trainer.state.log_history]


def test_an_evaluation_tells_of_its_pairs_what_the_trainer_says_of_them(models: Models, tmp_path: Path) -> None:
    trainer = watched(reward_trainer(models, tmp_path))
    trainer.train()
    log = log_of(tmp_path)
    assert measured(log, "samples/rm_pairs") == {3: PAIRS, 6: PAIRS}
    evaluations = {row["step"]: row for row in trainer.state.log_history if "eval_loss" in row}
    brier, lowest = measured(log, "samples/rm_brier"), measured(log, "samples/rm_score_low")
    for step, row in evaluations.items():
        assert lowest[step] == pytest.approx(row["eval_min_reward"], abs=0.5)
        assert 0.0 <= (brier[step] or 0.0) <= 1.0
    assert set(measured(log, "samples/rm_length_bias")) == {3, 6}
    assert log.faults == []


def test_the_training_is_the_same_to_the_last_bit(models: Models, tmp_path: Path) -> None:
    import torch

    for evaluate in (True, False):
        plain = reward_trainer(models, tmp_path / f"plain-{evaluate}", evaluate=evaluate)
        seen = watched(reward_trainer(models, tmp_path / f"seen-{evaluate}", evaluate=evaluate))
        plain.train()
        seen.train()
        pairs = zip(plain.model.state_dict().items(), seen.model.state_dict().items(), strict=True)
        assert all(torch.equal(one, other) for (_, one), (_, other) in pairs)
        assert logged(plain) == logged(seen)


def test_without_evaluation_the_first_pass_over_the_training_pairs_stands_in(models: Models, tmp_path: Path) -> None:
    trainer = watched(reward_trainer(models, tmp_path, evaluate=False, steps=12))
    trainer.train()
    assert measured(log_of(tmp_path), "samples/rm_pairs") == {12: PAIRS}


def test_the_trainers_method_is_put_back(models: Models, tmp_path: Path) -> None:
    trainer = watched(reward_trainer(models, tmp_path))
    trainer.train()
    assert "compute_loss" not in vars(trainer)


def test_what_compute_loss_raises_leaves_the_trainer(models: Models, tmp_path: Path) -> None:
    trainer = watched(reward_trainer(models, tmp_path))

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no loss today")

    trainer.compute_loss = broken
    with pytest.raises(RuntimeError, match="no loss today"):
        trainer.train()
    assert trainer.compute_loss is broken


def test_without_the_trainer_it_is_said_how(models: Models, tmp_path: Path) -> None:
    from rldk_tui.integrations.trl import RLDKCallback

    trainer = reward_trainer(models, tmp_path)
    trainer.add_callback(RLDKCallback(checkpoint_analysis=False))
    trainer.train()
    told = [error for error in log_of(tmp_path).of(ExtractionError) if error.metric == "samples/rm_ece"]
    assert [("attach" in (error.advice or "")) for error in told] == [True]
    assert not [event for event in log_of(tmp_path).of(Measured) if "samples/rm_ece" in event.values]
