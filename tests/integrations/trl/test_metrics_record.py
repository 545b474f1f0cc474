"""One typed record a log: whatever a trainer calls its numbers, and never a zero for what nobody measured."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rldk_tui.events import Algorithm, ExtractionError, ExtractionKind, Phase
from rldk_tui.integrations.trl import RLDKMetrics
from rldk_tui.integrations.trl.demo_errors import RECORDED
from rldk_tui.integrations.trl.metrics_record.history import Kept, record_of
from sample_runs.tiny_models import Models
from tests.integrations.trl.conftest import log_of
from tests.integrations.trl.test_extraction import config

# fmt: off
NAMES = [
    "reward_mean", "reward_std", "reward_min", "reward_max", "kl_mean", "kl_std", "entropy_mean", "clip_frac",
    "value_loss", "policy_loss", "value_policy_loss", "policy_grad_norm", "value_grad_norm", "value_mean", "value_std",
    "rollout_length_mean", "rollout_length_std", "advantage_mean", "advantage_std", "kl_coef", "target_kl",
    "advantage_normalized", "clip_range", "clip_range_value", "batch_size", "global_step", "model_type", "vocab_size",
    "tokenizer_vocab_size", "dataset_size", "rollout_buffer_size", "rollout_buffer_pos", "rollout_mean_reward",
    "rollout_std_reward", "policy_total_params", "policy_trainable_params", "policy_lr", "value_total_params",
    "value_trainable_params", "value_lr", "step", "epoch", "loss", "grad_norm", "learning_rate", "run_id", "phase",
    "seed", "git_sha",
]
# fmt: on


def record(values: dict[str, float | None], algorithm: Algorithm | None = Algorithm.PPO, **measured: float) -> RLDKMetrics:
    hooks = {f"hook/{name}": value for name, value in measured.items()}
    return record_of(Kept(1.0, 3, Phase.TRAIN, values, hooks, None, None), algorithm, {}, {})


def test_every_promised_field_is_there_and_nothing_is_measured_at_first() -> None:
    empty = RLDKMetrics()
    fields = {field.name for field in dataclasses.fields(RLDKMetrics)}
    assert set(NAMES) <= fields
    assert set(empty.missing()) == fields
    assert not any(value == 0.0 for value in empty.as_dict().values())


def test_what_is_not_measured_is_nan_minus_one_unknown_or_none() -> None:
    empty = RLDKMetrics()
    assert math.isnan(empty.reward_mean)
    assert (empty.batch_size, empty.model_type, empty.advantage_normalized) == (-1, "unknown", None)


def test_a_measured_zero_is_not_missing() -> None:
    found = record({"kl": 0.0, "reward": None})
    assert found.kl_mean == 0.0
    assert "kl_mean" not in found.missing()
    assert "reward_mean" in found.missing()


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("ppo/rewards/mean", "reward_mean"),
        ("ppo/rewards/std", "reward_std"),
        ("ppo/rewards/min", "reward_min"),
        ("ppo/rewards/max", "reward_max"),
        ("ppo/policy/kl_mean", "kl_mean"),
        ("ppo/policy/kl_std", "kl_std"),
        ("ppo/policy/entropy", "entropy_mean"),
        ("ppo/policy/clipfrac", "clip_frac"),
        ("ppo/policy/policy_loss", "policy_loss"),
        ("ppo/policy/grad_norm", "grad_norm"),
        ("ppo/policy/grad_norm", "policy_grad_norm"),
        ("ppo/val/value_loss", "value_loss"),
        ("ppo/val/policy_loss", "value_policy_loss"),
        ("ppo/val/grad_norm", "value_grad_norm"),
        ("ppo/val/mean", "value_mean"),
        ("ppo/val/std", "value_std"),
        ("ppo/rollout/length_mean", "rollout_length_mean"),
        ("ppo/rollout/length_std", "rollout_length_std"),
        ("ppo/advantages/mean", "advantage_mean"),
        ("ppo/advantages/std", "advantage_std"),
        ("env/reward_mean", "reward_mean"),
        ("objective/scores", "reward_mean"),
        ("ppo/mean_scores", "reward_mean"),
        ("objective/kl", "kl_mean"),
        ("objective/kl_coef", "kl_coef"),
        ("loss/policy_avg", "policy_loss"),
        ("loss/value_avg", "value_loss"),
        ("policy/clipfrac_avg", "clip_frac"),
        ("policy/entropy_avg", "entropy_mean"),
        ("lr", "learning_rate"),
        ("completion_length", "rollout_length_mean"),
        ("completions/mean_length", "rollout_length_mean"),
        ("clip_ratio/region_mean", "clip_frac"),
    ],
)
def test_every_generation_of_names_finds_its_field(key: str, field: str) -> None:
    assert getattr(record({key: 0.25}), field) == 0.25


def test_the_two_policy_losses_are_kept_apart() -> None:
    found = record({"ppo/policy/policy_loss": 0.1, "ppo/val/policy_loss": 0.9})
    assert (found.policy_loss, found.value_policy_loss) == (0.1, 0.9)


def test_what_was_measured_inside_the_loop_fills_what_no_log_shows() -> None:
    found = record({}, advantage_mean=0.1, value_grad_norm=2.0, advantage_normalized=1.0, rollout_buffer_size=16.0)
    assert (found.advantage_mean, found.value_grad_norm) == (0.1, 2.0)
    assert found.advantage_normalized is True
    assert found.rollout_buffer_size == 16
    assert isinstance(found.rollout_buffer_size, int)


def test_a_reward_model_has_no_policy_and_its_norm_is_nobody_elses() -> None:
    assert "policy_grad_norm" in record({"grad_norm": 1.0}, Algorithm.REWARD).missing()
    assert record({"grad_norm": 1.0}, Algorithm.GRPO).policy_grad_norm == 1.0


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300])
def test_a_count_that_no_whole_number_holds_is_not_counted(value: float) -> None:
    assert record({"num_tokens": value}).tokens_seen == -1


def begun(run: Path, **named: Any) -> tuple[Any, Any, Any]:
    from rldk_tui.integrations.trl import RLDKCallback

    args = config("GRPO", run, beta=0.04, epsilon=0.2, scale_rewards="group", seed=7)
    state = SimpleNamespace(global_step=0, max_steps=0, is_world_process_zero=True, is_local_process_zero=True)
    callback = RLDKCallback(system_interval=3600.0, check_gradients=False, completions_every=0, **named)
    callback.on_train_begin(args, state, None)
    return callback, args, state


def test_the_callback_keeps_the_newest_logs_and_no_more(tmp_path: Path) -> None:
    callback, args, state = begun(tmp_path, metrics_history=3)
    before: RLDKMetrics | None = callback.current_metrics
    assert before is None
    for state.global_step in range(1, 8):
        callback.on_log(args, state, None, logs={**RECORDED, "reward": float(state.global_step)})
    callback.on_log(args, state, None, logs={"eval_loss": 1.0})
    assert [(item.step, item.phase) for item in callback.metrics_history] == [(6, "train"), (7, "train"), (7, "eval")]
    assert callback.current_metrics.reward_mean == 7.0
    assert callback.metrics_history[-1].loss == 1.0
    assert [item.reward_mean for item in callback.metrics_history[:2]] == [6.0, 7.0]
    now = callback.current_metrics
    assert (now.run_id, now.seed, now.clip_range, now.kl_coef, now.advantage_normalized) == (tmp_path.name, 7, 0.2, 0.04, True)
    assert now.process_rss_bytes > 1_000_000


def test_what_is_measured_belongs_to_the_next_log_alone_and_sizes_to_all(tmp_path: Path) -> None:
    callback, args, state = begun(tmp_path)
    recorder = callback._recorder
    recorder.measure({"hook/kl_std": 0.5, "hook/parameters_total": 100.0})
    for state.global_step in (1, 2):
        callback.on_log(args, state, None, logs=RECORDED)
    first, second = callback.metrics_history
    assert (first.kl_std, first.policy_total_params) == (0.5, 100)
    assert math.isnan(second.kl_std)
    assert second.policy_total_params == 100


def test_what_cannot_be_had_is_told_once_with_the_reason(tmp_path: Path) -> None:
    callback, args, state = begun(tmp_path)
    for state.global_step in range(1, 20):
        callback.on_log(args, state, None, logs=RECORDED)
    apart = [error for error in log_of(tmp_path).of(ExtractionError) if error.kind is ExtractionKind.UNAVAILABLE]
    told = " ".join(error.message for error in apart if error.metric is None)
    assert told.count("kl_std") == 1
    assert "value_mean" not in told, "GRPO has no value network"
    assert "reward_mean" not in told


@pytest.mark.train
@pytest.mark.parametrize("algorithm", [Algorithm.GRPO, Algorithm.PPO, Algorithm.SFT, Algorithm.REWARD], ids=str)
def test_a_real_training_fills_what_it_has(algorithm: Algorithm, models: Models, tmp_path: Path) -> None:
    pytest.importorskip("trl")
    from rldk_tui.integrations.trl import RLDKCallback
    from sample_runs.trainings import common_arguments
    from tests.integrations.trl.trainers import TRAINERS

    callback = RLDKCallback()
    TRAINERS[algorithm](models, {**common_arguments(str(tmp_path), 3), "save_strategy": "no"}, [callback])
    now = callback.current_metrics
    assert now is not None
    filled = {"learning_rate", "epoch", "seed", "batch_size", "model_type", "vocab_size", "tokenizer_vocab_size", "step"}
    more = {
        Algorithm.GRPO: {"reward_mean", "reward_std", "kl_mean", "entropy_mean", "clip_frac", "rollout_length_mean", "kl_coef"},
        Algorithm.PPO: {"reward_mean", "kl_mean", "value_loss", "policy_loss", "clip_range_value", "value_lr", "kl_coef"},
        Algorithm.SFT: {"loss", "grad_norm", "dataset_size", "policy_grad_norm"},
        Algorithm.REWARD: {"loss", "reward_mean", "reward_min", "reward_max", "dataset_size"},
    }
    assert not (filled | more[algorithm]) & set(now.missing())
    assert (now.step, now.global_step, now.phase) == (3, 3, "train")
    assert log_of(tmp_path).faults == []
