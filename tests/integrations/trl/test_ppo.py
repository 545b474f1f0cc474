"""PPO's loop as the attached callback sees it: the same training to the bit, and the numbers of the loop's own variables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import pytest

from rldk_tui.events import ExtractionError, Measured, Metrics, RunEnded
from sample_runs.tiny_models import Models
from sample_runs.trainings import common_arguments, train_ppo
from tests.integrations.trl.conftest import EventLog, log_of

pytestmark = pytest.mark.train
pytest.importorskip("trl.experimental.ppo", reason="this trl has no PPO")
torch = pytest.importorskip("torch")

STEPS = 4
FUNCTIONS = ("batch_generation", "selective_log_softmax", "get_reward", "masked_whiten")


def _arguments(run: Path, **more: Any) -> dict[str, Any]:
    return {**common_arguments(str(run), STEPS), "response_length": 12, "save_strategy": "no", **more}


@contextmanager
def _attached(callback: Any) -> Iterator[None]:
    """Every PPO trainer that is made is given to the callback, as a user's script would do."""
    from trl.experimental import ppo

    class Attached(ppo.PPOTrainer):  # type: ignore[misc] # trl is not followed by the type checker
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            callback.attach(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ppo, "PPOTrainer", Attached)
        yield


def _train(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    """PPO shuffles its minibatches with numpy, which it does not seed."""
    from transformers import set_seed

    set_seed(7)
    return train_ppo(models, arguments, callbacks)


def _functions() -> list[Any]:
    from trl.experimental.ppo import ppo_trainer

    return [getattr(ppo_trainer, name) for name in FUNCTIONS]


def _watched(models: Models, arguments: dict[str, Any], callbacks: list[Any], **options: Any) -> Any:
    from rldk_tui.integrations.trl import RLDKCallback

    with _attached(RLDKCallback(**options)):
        return _train(models, arguments, callbacks)


def _measured(log: EventLog) -> dict[int, dict[str, float | None]]:
    found: dict[int, dict[str, float | None]] = {}
    for event in log.of(Measured):
        found.setdefault(event.step, {}).update(event.values)
    return found


def _told(log: EventLog) -> list[str]:
    return [event.message for event in log.of(ExtractionError) if "PPO" in event.message or "advantages" in event.message]


def _outcome(trainer: Any) -> list[str]:
    """What was logged, to the last bit, and the weights it led to."""
    logs = [
        f"{key} {float(entry[key]).hex()}"
        for entry in trainer.state.log_history
        for key in entry
        if key not in ("eps", "epoch", "step")
    ]
    return logs + [float(weight.detach().double().sum()).hex() for weight in trainer.model.parameters()]


def _spy(found: list[dict[str, float]]) -> Any:
    """A callback that reckons everything anew from the loop's own variables."""
    from transformers import TrainerCallback

    class Spy(TrainerCallback):  # type: ignore[misc] # transformers is not followed by the type checker
        def on_log(self, args: Any, *_: Any, **__: Any) -> None:
            frame: FrameType | None = sys._getframe()
            while frame is not None and "padding_mask_p1" not in frame.f_locals:
                frame = frame.f_back
            assert frame is not None
            found.append(_reckoned(frame.f_locals, args))

    return Spy()


def _reckoned(loop: Any, args: Any) -> dict[str, float]:
    replied, learned = ~loop["padding_mask"], ~loop["padding_mask_p1"]
    returns, values = loop["returns"].double(), loop["values"].double()
    advantages, returned, valued = (returns - values)[replied], returns[learned], values[learned]
    gained = loop["scores"] + loop["non_score_reward"].sum(1)
    kl, lengths = loop["kl"].sum(1), (loop["sequence_lengths"] + 1).double()
    return {
        "hook/advantage_mean": advantages.mean(),
        "hook/advantage_std": advantages.std(),
        "hook/advantage_normalized": 1.0,
        "hook/value_mean": valued.mean(),
        "hook/value_std": valued.std(),
        "hook/return_mean": returned.mean(),
        "hook/return_std": returned.std(),
        "hook/explained_variance": 1 - (returned - valued).var() / returned.var(),
        "hook/rollout_length_mean": lengths.mean(),
        "hook/rollout_length_std": lengths.std(),
        "hook/rollout_truncated": (~loop["contain_eos_token"]).double().mean(),
        "hook/reward_std": loop["scores"].std(),
        "hook/reward_min": loop["scores"].min(),
        "hook/reward_max": loop["scores"].max(),
        "hook/kl_std": kl.std(),
        "hook/rollout_mean_reward": gained.mean(),
        "hook/rollout_std_reward": gained.std(),
        "hook/rollout_buffer_pos": float(args.local_batch_size),
    }


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"kl_estimator": "k3", "whiten_rewards": True, "missing_eos_penalty": None},
        {
            "per_device_train_batch_size": 4,
            "gradient_accumulation_steps": 4,
            "num_mini_batches": 2,
            "local_rollout_forward_batch_size": 8,
            "num_sample_generations": 2,
        },
    ],
    ids=["one piece", "k3, whitened rewards, no penalty", "pieces, minibatches, sample generations"],
)
def test_what_is_measured_is_what_the_loop_holds_and_the_training_is_the_same_to_the_bit(
    recipe: dict[str, Any], models: Models, tmp_path: Path
) -> None:
    functions, found = _functions(), list[dict[str, float]]()
    run = tmp_path / "watched"
    plain = _train(models, _arguments(tmp_path / "plain", **recipe), [])
    watched = _watched(models, _arguments(run, **recipe), [_spy(found)])
    assert _outcome(watched) == _outcome(plain)
    assert _functions() == functions
    log = log_of(run)
    measured = _measured(log)
    assert [step for step in measured if step > 0] == list(range(1, STEPS + 1))
    for step, expected in enumerate(found, 1):
        told = {name: measured[step][name] for name in expected}
        assert told == pytest.approx({name: float(value) for name, value in expected.items()}, rel=1e-4, abs=1e-6)
    for row in log.of(Metrics):
        assert measured[row.step]["hook/rollout_mean_reward"] == pytest.approx(row.values["objective/rlhf_reward"], abs=1e-5)
    assert _told(log) == []


def test_the_networks_are_told_without_the_trainer(models: Models, tmp_path: Path) -> None:
    from rldk_tui.integrations.trl import RLDKCallback

    trainer = _train(models, _arguments(tmp_path), [RLDKCallback()])
    measured = _measured(log_of(tmp_path))
    told = {name: value for values in measured.values() for name, value in values.items()}
    policy, value = (sum(weight.numel() for weight in net.parameters()) for net in (trainer.policy_model, trainer.value_model))
    assert told["hook/policy_total_params"] == told["hook/policy_trainable_params"] == policy
    assert told["hook/value_total_params"] == told["hook/value_trainable_params"] == value
    assert told["hook/rollout_buffer_size"] == 16
    rates = {row.step: row.values["lr"] for row in log_of(tmp_path).of(Metrics)}
    for name in ("hook/policy_lr", "hook/value_lr"):
        assert {step: values[name] for step, values in measured.items() if name in values} == rates
    assert "hook/advantage_mean" not in told, "not measured without the trainer, and not zero"


def test_an_exception_leaves_the_loop_as_it_was(models: Models, tmp_path: Path) -> None:
    from transformers import TrainerCallback

    class Failing(TrainerCallback):  # type: ignore[misc] # transformers is not followed by the type checker
        def on_step_end(self, *_: Any, **__: Any) -> None:
            raise ZeroDivisionError("theirs")

    functions = _functions()
    with pytest.raises(ZeroDivisionError, match="theirs"):
        _watched(models, _arguments(tmp_path), [Failing()])
    assert _functions() == functions
    assert [(end.reason, end.failed) for end in log_of(tmp_path).of(RunEnded)] == [("ZeroDivisionError: theirs", True)]


def test_a_figure_that_cannot_be_made_is_told_once_and_changes_nothing(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rldk_tui.integrations.trl import ppo

    def fail(_: Any) -> None:
        raise RuntimeError("CUDA out of memory")

    plain = _train(models, _arguments(tmp_path / "a"), [])
    monkeypatch.setattr(ppo, "figures", fail)
    watched = _watched(models, _arguments(tmp_path / "b"), [])
    assert _outcome(watched) == _outcome(plain)
    assert _told(log_of(tmp_path / "b")) == ["could not read PPO's rollout: RuntimeError: CUDA out of memory"]
    assert "hook/advantage_mean" not in _measured(log_of(tmp_path / "b"))[1]


def test_a_version_that_works_otherwise_is_told_with_what_it_lacks(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trl.experimental.ppo import ppo_trainer

    whiten: Callable[..., Any] = ppo_trainer.masked_whiten
    monkeypatch.setattr(ppo_trainer, "masked_whiten", lambda values, mask: whiten(values, mask))
    _watched(models, _arguments(tmp_path), [])
    (told,) = _told(log_of(tmp_path))
    assert "this version of TRL's PPO works without masked_whiten" in told


def test_only_steps_that_are_asked_for_are_reckoned(models: Models, tmp_path: Path) -> None:
    _watched(models, _arguments(tmp_path), [], log_interval=2)
    measured = _measured(log_of(tmp_path))
    assert [step for step, values in measured.items() if "hook/advantage_mean" in values] == [2, 4]


def test_what_is_not_defined_is_not_a_number_that_it_is_not() -> None:
    from rldk_tui.integrations.trl.rollout import Rollout, figures, told

    one = torch.zeros(1, 3)
    rollout = Rollout(
        advantages=one,
        whitened=one,
        mask=torch.ones(1, 3, dtype=torch.bool),
        values=one,
        logprobs=one,
        ref_logprobs=one,
        scores=torch.tensor([0.5]),
        ended=torch.tensor([False]),
        missing_end_penalty=1.0,
        kl_coef=0.05,
        squared=False,
    )
    found = told(figures(rollout))
    assert [name for name, value in found.items() if value is None] == [
        "hook/advantage_normalized",
        "hook/explained_variance",
        "hook/rollout_length_std",
        "hook/reward_std",
        "hook/kl_std",
        "hook/rollout_std_reward",
    ]
    assert (found["hook/reward_min"], found["hook/rollout_truncated"], found["hook/value_std"]) == (-0.5, 1.0, 0.0)


def test_a_value_that_is_no_number_is_told_as_one() -> None:
    from rldk_tui.integrations.trl.rollout import Rollout, figures, told

    two, bad = torch.randn(2, 3), torch.full((2, 3), torch.nan)
    rollout = Rollout(
        advantages=bad,
        whitened=bad,
        mask=torch.ones(2, 3, dtype=torch.bool),
        values=bad,
        logprobs=two,
        ref_logprobs=two,
        scores=torch.tensor([0.5, 1.0]),
        ended=torch.tensor([False, True]),
        missing_end_penalty=0.0,
        kl_coef=0.05,
        squared=True,
    )
    found = told(figures(rollout))
    assert found["hook/value_mean"] != found["hook/value_mean"]
    assert found["hook/reward_max"] == 1.0


def test_another_trainer_is_left_alone() -> None:
    from rldk_tui.integrations.trl.ppo import Networks, Rollouts

    training: Any = SimpleNamespace(algorithm=None, model=None, trainer=object(), is_main=True)
    for part in (Networks(1), Rollouts(1)):
        part.begin(training)
        part.logged(1, None, {})  # type: ignore[arg-type]
        part.close()


def test_with_the_phases_timed_too_the_loop_is_left_as_it_was(models: Models, tmp_path: Path) -> None:
    functions = _functions()
    _watched(models, _arguments(tmp_path), [], profile=True)
    assert _functions() == functions
    measured = _measured(log_of(tmp_path))
    assert {"hook/advantage_mean", "hook/time_generate"} <= set(measured[STEPS])
