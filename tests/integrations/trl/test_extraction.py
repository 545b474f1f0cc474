"""What a trainer's log hides is told at the source, with what to do, and what is sound is not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rldk_tui.events import Algorithm, ExtractionError, ExtractionKind, Metrics, Phase
from rldk_tui.integrations.trl.demo_errors import RECORDED
from rldk_tui.integrations.trl.possible import fault_of
from sample_runs.tiny_models import Models
from tests.integrations.trl.conftest import EventLog, log_of

pytest.importorskip("transformers")

Logs = Mapping[str, Any]


def config(name: str, run: Path, **settings: Any) -> Any:
    """Arguments of a trainer of this name: the callback knows it by the class."""
    kind = type(f"{name}Config", (SimpleNamespace,), {"to_dict": lambda self: dict(vars(self))})
    return kind(output_dir=str(run), process_index=0, world_size=1, run_name=None, **settings)


def watched(run: Path, rows: Iterable[Logs], name: str = "GRPO", trainer: Any = None, **settings: Any) -> EventLog:
    """The log that these rows leave, one a step."""
    from rldk_tui.integrations.trl import RLDKCallback

    args = config(name, run, **{"beta": 0.04, **settings})
    state = SimpleNamespace(global_step=0, max_steps=0, is_world_process_zero=True, is_local_process_zero=True)
    callback = RLDKCallback(system_interval=3600.0, check_gradients=False, completions_every=0)
    callback._trainer = trainer
    callback.on_train_begin(args, state, None)
    for state.global_step, logs in enumerate(rows, 1):
        callback.on_step_end(args, state, None)
        callback.on_log(args, state, None, logs=logs)
    callback.on_train_end(args, state, None)
    return log_of(run)


def told(log: EventLog) -> list[ExtractionError]:
    return [error for error in log.faults if error.metric is not None]


def only(log: EventLog) -> ExtractionError:
    (error,) = told(log)
    return error


def row(**changes: Any) -> dict[str, Any]:
    return {**RECORDED, **changes}


def test_a_sound_log_is_silent(tmp_path: Path) -> None:
    assert told(watched(tmp_path, [RECORDED] * 20)) == []


@pytest.mark.parametrize(
    ("changes", "message", "advice"),
    [
        ({"kl": -0.1}, "Negative KL divergence: -0.1", "top_k=0, top_p=1.0, no min_length"),
        ({"reward": math.nan}, "NaN reward", "reward function"),
        ({"reward": None}, "No reply of this log could be scored", "reward function"),
        ({"rewards/topic_reward/mean": None}, "this reward function scored no reply", "only some tasks"),
        ({"entropy": math.inf}, "Infinite entropy", "learning rate"),
        ({"entropy": 0.0}, "Zero entropy", "computes"),
        ({"grad_norm": 0.0}, "Zero gradient norm while the loss is -0.0195", "optimizer"),
        ({"loss": 0.0, "grad_norm": math.nan}, "a NaN loss is logged as exactly 0.0", "logging_nan_inf_filter=False"),
        ({"completions/clipped_ratio": 1.7}, "is a share and above 1: 1.7", "Check"),
        ({"reward_std": -0.2}, "Negative reward spread", "below 0"),
        ({"my/own": math.nan}, "NaN my/own", "learning rate"),
    ],
)
def test_a_value_that_is_no_usable_number_is_told_with_what_to_do(
    tmp_path: Path, changes: Logs, message: str, advice: str
) -> None:
    errors = told(watched(tmp_path, [RECORDED, row(**changes), RECORDED]))
    metric = next(iter(changes))
    error = next(error for error in errors if error.metric == metric)
    assert (error.step, error.phase, error.kind) == (2, Phase.TRAIN, ExtractionKind.VALUE)
    assert message in error.message
    assert advice in (error.advice or "")
    assert error.value == repr(changes[metric])


@pytest.mark.parametrize(
    "changes",
    [
        {"grad_norm": 0.0, "loss": 0.0, "frac_reward_zero_std": 1.0, "reward_std": 0.0},  # no group differs: nothing to learn
        {"loss": 0.0},  # on-policy: about 0 by construction
        {"grad_norm": -1.0},  # DeepSpeed's mark of an overflow
        {"kl": -0.004},  # rounding
        {"reward": -3.0, "learning_rate": 0.0, "completions/mean_terminated_length": 0.0},
    ],
)
def test_values_that_may_be_right_are_not_told(tmp_path: Path, changes: Logs) -> None:
    assert told(watched(tmp_path, [RECORDED, row(**changes), RECORDED])) == []


@pytest.mark.parametrize(
    ("metric", "value", "algorithm", "fault"),
    [
        ("kl", -0.1, Algorithm.PPO, None),  # a mean of log-ratios over a reply: noise, seen in healthy runs
        ("kl", -0.6, Algorithm.PPO, "negative"),
        ("kl", -0.02, Algorithm.RLOO, None),
        ("kl", -0.1, Algorithm.RLOO, "negative"),
        ("kl", -0.1, Algorithm.KTO, "negative"),
        ("kl", -0.1, None, "negative"),
        ("policy_ratio_var", math.nan, Algorithm.PPO, None),
        ("policy_ratio", 0.0, Algorithm.PPO, "zero"),
        ("loss", 0.0, Algorithm.SFT, "zero"),
        ("loss", 0.0, Algorithm.GRPO, None),
    ],
)
def test_the_same_number_may_be_right_in_one_trainer_and_wrong_in_another(
    metric: str, value: float, algorithm: Algorithm | None, fault: str | None
) -> None:
    found = fault_of(metric, value, {metric: value}, algorithm)
    assert (found.name if found else None) == fault


def test_a_spread_of_zero_is_wrong_where_the_rewards_differ() -> None:
    differ = {"reward_std": 0.0, "min_reward": 0.0, "max_reward": 1.0}
    assert fault_of("reward_std", 0.0, differ, None) is not None
    assert fault_of("reward_std", 0.0, {"reward_std": 0.0}, None) is None


def without(*names: str) -> dict[str, Any]:
    return {key: value for key, value in RECORDED.items() if key not in names}


def test_what_the_trainer_logs_by_itself_is_missed_from_the_first_row_on(tmp_path: Path) -> None:
    error = only(watched(tmp_path, [without("entropy")] * 30))
    assert (error.step, error.metric, error.kind) == (1, "entropy", ExtractionKind.MISSING)
    assert "Missing entropy" in error.message


def test_kl_is_missed_only_where_a_reference_is_loaded(tmp_path: Path) -> None:
    assert told(watched(tmp_path / "none", [without("kl")] * 3, beta=0.0)) == []
    assert only(watched(tmp_path / "some", [without("kl")] * 3, beta=0.04)).metric == "kl"


def test_what_comes_with_a_generation_is_missed_only_after_a_cycle_of_them(tmp_path: Path) -> None:
    of_generation = [key for key in RECORDED if key.startswith(("reward", "completions/", "frac_"))]
    rows = [RECORDED if step % 4 == 0 else without(*of_generation) for step in range(40)]
    assert told(watched(tmp_path / "cycle", rows, num_iterations=4)) == []
    assert "reward" in {error.metric for error in told(watched(tmp_path / "lost", rows, num_iterations=1))}


def test_evaluation_and_the_final_summary_lack_nothing(tmp_path: Path) -> None:
    rows = [RECORDED, {"eval_loss": 1.0, "eval_entropy": 2.0}, {"train_loss": 0.1, "train_runtime": 3.0}]
    assert told(watched(tmp_path, rows)) == []


def test_an_evaluation_that_is_nan_is_told_of_its_phase(tmp_path: Path) -> None:
    error = only(watched(tmp_path, [RECORDED, {"eval_loss": math.nan, "eval_entropy": 2.0}]))
    assert (error.phase, error.metric) == (Phase.EVAL, "loss")


@pytest.mark.parametrize("value", ["n/a", [1.0, 2.0], {"a": 1}, np.zeros(3), 10**400, object(), b"\xff"])
def test_a_value_of_a_wrong_type_is_told_and_the_rest_of_the_row_kept(tmp_path: Path, value: object) -> None:
    log = watched(tmp_path, [RECORDED, row(**{"my/own": value}), RECORDED])
    error = only(log)
    assert (error.step, error.metric, error.kind) == (2, "my/own", ExtractionKind.FAILED)
    assert error.value
    assert log.of(Metrics)[1].values == RECORDED


@pytest.mark.parametrize("value", ["0.5", np.float32(0.5), np.array(0.5), 1, True, np.int64(3)])
def test_numbers_of_any_type_are_numbers(tmp_path: Path, value: object) -> None:
    assert told(watched(tmp_path, [RECORDED, row(**{"my/own": value})])) == []


def test_reward_functions_of_one_name_are_told_when_the_training_begins(tmp_path: Path) -> None:
    trainer = SimpleNamespace(reward_func_names=["topic_reward", "<lambda>", "<lambda>"], add_callback=None)
    rows = [row(**{"rewards/<lambda>/mean": 0.1})] * 3
    error = only(watched(tmp_path, rows, trainer=trainer))
    assert (error.step, error.metric, error.kind) == (None, "rewards/<lambda>/mean", ExtractionKind.FAILED)
    assert "2 reward functions" in error.message
    assert "__name__" in (error.advice or "")


def test_a_trainer_that_logs_no_reward_by_function_misses_none(tmp_path: Path) -> None:
    trainer = SimpleNamespace(reward_func_names=["topic_reward", "topic_reward"], add_callback=None)
    log = watched(tmp_path, [{"loss": 0.7, "learning_rate": 1e-5}] * 3, "OnlineDPO", trainer=trainer)
    assert [error.metric for error in told(log) if "topic_reward" in (error.metric or "")] == []


def test_the_mean_of_a_reward_function_is_missed(tmp_path: Path) -> None:
    trainer = SimpleNamespace(reward_func_names=["topic_reward", "other"], add_callback=None)
    assert only(watched(tmp_path, [RECORDED] * 3, trainer=trainer)).metric == "rewards/other/mean"


@pytest.mark.train
def test_a_real_training_tells_of_reward_functions_of_one_name(models: Models, tmp_path: Path) -> None:
    pytest.importorskip("trl")
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    from rldk_tui.integrations.trl import RLDKCallback
    from sample_runs.tiny_language import prompts
    from sample_runs.trainings import common_arguments

    def reward(completions: list[str], **_: Any) -> list[float]:
        return [float(len(text)) for text in completions]

    first, second = reward, lambda completions, **_: [1.0 for _ in completions]
    second.__name__ = "reward"
    trainer = GRPOTrainer(
        model=models.policy(),
        reward_funcs=[first, second],
        args=GRPOConfig(
            per_device_train_batch_size=4, num_generations=2, max_completion_length=4, **common_arguments(str(tmp_path), 2)
        ),
        train_dataset=Dataset.from_dict({"prompt": prompts(1, 16)}),
        processing_class=models.tokenizer(),
    )
    RLDKCallback().attach(trainer)
    trainer.train()
    assert "2 reward functions are called reward" in only(log_of(tmp_path)).message
