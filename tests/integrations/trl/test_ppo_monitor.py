"""The monitoring callback in real trainings, alone and beside `RLDKCallback`, and what it says to the log of the process."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rldk_tui.errors import UserError
from rldk_tui.events import ExtractionError, Heartbeat, Metrics, RunEnded, RunStarted
from sample_runs.tiny_models import Models
from sample_runs.trainings import common_arguments, train_ppo
from tests.integrations.trl.conftest import log_of
from tests.integrations.trl.trainers import grpo

pytest.importorskip("transformers")
train = pytest.mark.train
STEPS = 6
LOGGER = "rldk_tui.integrations.trl.ppo_monitor"


def _callback(**named: Any) -> Any:
    from rldk_tui.integrations.trl import PPOMonitoringCallback

    return PPOMonitoringCallback(**named)


def _arguments(run: Path, **more: Any) -> dict[str, Any]:
    return {**common_arguments(str(run), STEPS), "response_length": 8, "save_strategy": "no", **more}


@train
def test_a_real_ppo_is_monitored_and_recorded(models: Models, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("trl.experimental.ppo", reason="this trl has no PPO")
    caplog.set_level(logging.INFO, LOGGER)
    callback = _callback(log_dir=tmp_path / "logs", enable_detailed_logging=True)
    trainer = train_ppo(models, _arguments(tmp_path / "run"), [callback])
    logged = trainer.state.log_history[-1]
    latest = callback.metrics
    assert (latest.step, latest.kl_div, latest.policy_loss, latest.value_loss, latest.reward, latest.clip_ratio) == (
        STEPS,
        logged["objective/kl"],
        logged["loss/policy_avg"],
        logged["loss/value_avg"],
        logged["objective/scores"],
        logged["policy/clipfrac_avg"],
    )
    assert latest.entropy == logged["policy/entropy_avg"]
    assert latest.kl_policy_ratio == pytest.approx(logged["objective/kl"] / abs(logged["loss/policy_avg"]))
    (epoch,) = callback.epochs()
    rewards = [row["objective/scores"] for row in trainer.state.log_history]
    assert (epoch.epoch, epoch.first_step, epoch.last_step, epoch.complete) == (1, 1, STEPS, False)
    assert epoch.metrics["reward"].mean == pytest.approx(sum(rewards) / STEPS)
    assert callback.trends() == {}, "six logs have no trend"
    assert callback.anomalies == ()
    assert len([record for record in caplog.records if record.message.startswith("step ")]) == STEPS
    log = log_of(tmp_path / "logs")
    assert [row.step for row in log.of(Metrics)] == [beat.step for beat in log.of(Heartbeat)] == list(range(1, STEPS + 1))
    assert not log_of(tmp_path / "run").path.exists()


@train
@pytest.mark.parametrize("monitor_first", [False, True])
def test_beside_the_other_callback_a_run_is_recorded_once(models: Models, tmp_path: Path, monitor_first: bool) -> None:
    pytest.importorskip("trl")
    from rldk_tui.integrations.trl import RLDKCallback

    monitor, recorder = _callback(), RLDKCallback()
    both = [monitor, recorder] if monitor_first else [recorder, monitor]
    trainer = grpo(models, {**common_arguments(str(tmp_path), STEPS), "save_strategy": "no"}, both)
    log = log_of(tmp_path)
    assert len(log.of(RunStarted)) == 1 + monitor_first, "the one that came first had begun before it handed over"
    assert len(log.of(RunEnded)) == 1
    assert [row.step for row in log.of(Metrics)] == [*range(1, STEPS + 1), STEPS]
    told = [event.message for event in log.of(ExtractionError) if "second" in event.message]
    assert told == []
    logged = [row for row in trainer.state.log_history if "reward" in row][-1]
    assert (monitor.metrics.reward, monitor.metrics.entropy) == (logged["reward"], logged["entropy"])


def _run(tmp_path: Path, rows: list[dict[str, float]], main: bool = True, **named: Any) -> Any:
    callback = _callback(log_dir=tmp_path, **named)
    args = SimpleNamespace(output_dir=str(tmp_path), to_dict=dict, process_index=0, run_name=None)
    state = SimpleNamespace(
        global_step=0, max_steps=len(rows), epoch=0.0, is_world_process_zero=main, is_local_process_zero=main
    )
    callback.on_train_begin(args, state, None)
    for step, row in enumerate(rows, 1):
        state.global_step, state.epoch = step, step / 50
        callback.on_log(args, state, None, logs={"loss": 0.0, **row})
        callback.on_step_end(args, state, None)
    callback.on_train_end(args, state, None)
    return callback


def test_an_episode_is_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [{"kl": 0.1 + 0.01 * (step % 7), "reward": 1.0 + 0.1 * (step % 5)} for step in range(80)]
    for step in range(60, 75):
        rows[step]["kl"] = 30.0
    callback = _run(tmp_path, rows)
    warned = [record.message for record in caplog.records if record.name == LOGGER]
    assert len(warned) == 1
    assert "kl_div 30 from step 61 on" in warned[0]
    (anomaly,) = callback.anomalies
    assert (anomaly.first_step, anomaly.detected_step, anomaly.last_step, anomaly.open) == (61, 62, 75, False)


def test_a_lower_threshold_tells_more(tmp_path: Path) -> None:
    rows = [{"reward": 1.0 + 0.1 * (step % 5)} for step in range(60)]
    rows[50]["reward"] = rows[51]["reward"] = 2.0
    assert _run(tmp_path / "a", rows).anomalies == ()
    assert len(_run(tmp_path / "b", rows, anomaly_threshold=4.0).anomalies) == 1


def test_evaluations_and_processes_that_do_not_log_are_left_out(tmp_path: Path) -> None:
    assert _run(tmp_path / "a", [{"reward": 1.0}], main=False).metrics is None
    callback = _run(tmp_path / "b", [{"reward": 1.0}])
    state = SimpleNamespace(global_step=1, epoch=1.0, is_world_process_zero=True, is_local_process_zero=True)
    args = SimpleNamespace(output_dir=str(tmp_path / "b"))
    callback.on_log(args, state, None, logs={"eval_reward": 9.0})
    assert callback.metrics.reward == 1.0


@pytest.mark.parametrize("threshold", [0.0, -1.0, float("nan"), float("inf")])
def test_a_threshold_that_is_none_is_told(threshold: float) -> None:
    with pytest.raises(UserError, match="anomaly_threshold must be a number above 0"):
        _callback(anomaly_threshold=threshold)
