"""What TRL's PPO knows and does not log: its advantages, values and returns, its replies one by one, its two networks.

`PPOTrainer.train` (trl up to 1.12) keeps all of it in local variables, so the attached callback listens to the functions that
its loop calls with them; each is left as it was when the training ends, and returns what it always did:

* `batch_generation`: a rollout begins;
* `selective_log_softmax`: log-probabilities of the policy, then of the reference, for each piece of the rollout;
* `get_reward`: values of the value model, then scores of the reward model, for each piece;
* `masked_whiten`: the advantages, before and after, with the mask of the replies; the rollout is whole.

What is held between two of these calls is what the loop itself holds; what is left of a rollout are 18 numbers, on the
device until the step is logged. Nothing is gathered from other processes, so the figures are of the replies of the one
that logs. PPO's terms for a rollout buffer: its size is `local_batch_size` (`per_device_train_batch_size` times
`gradient_accumulation_steps`), filled anew for every update and then gone through `num_ppo_epochs` times in
`num_mini_batches` parts; its position is the number of replies the update was made of.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch

from rldk_tui.events import Algorithm, Phase
from rldk_tui.integrations.trl.part import Part, Training
from rldk_tui.integrations.trl.rollout import Rollout, figures, holds, joined, told
from rldk_tui.integrations.trl.taps import Tap

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "batch_generation": (),
    "selective_log_softmax": (),
    "get_reward": ("model", "query_responses", "pad_token_id", "context_length"),
    "masked_whiten": ("values", "mask", "shift_mean"),
}
"""What the loop must call, with which parameters."""
_ABSENT = "advantages, values, returns, reply lengths and the spread of rewards and KL are not measured"
NETWORKS = {"policy": "policy", "value": "value_model"}
"""What a network is called in a metric's name, and in the model that PPO hands over."""


class Networks(Part):
    """Sizes and learning rates of PPO's policy and value model, which the trainer hands over in one wrapper."""

    task = "read PPO's networks"

    def __init__(self, interval: int) -> None:
        self._interval = interval
        self._training: Training | None = None
        self._groups: dict[str, tuple[int, ...]] = {}

    def begin(self, training: Training) -> None:
        """Count once; where the optimizer has which weights does not change either."""
        wrapper = getattr(training.model, "module", training.model)
        self.idle = training.algorithm is not Algorithm.PPO or not hasattr(wrapper, NETWORKS["value"])
        if self.idle:
            return
        self._training = training
        measured: dict[str, float | None] = {"hook/rollout_buffer_size": getattr(training.args, "local_batch_size", None)}
        for name, attribute in NETWORKS.items():
            weights = list(getattr(wrapper, attribute).parameters())
            measured[f"hook/{name}_total_params"] = float(sum(map(_size, weights)))
            measured[f"hook/{name}_trainable_params"] = float(sum(_size(weight) for weight in weights if weight.requires_grad))
            self._groups[name] = _groups(training.optimizer, weights)
        training.recorder.measure(measured)

    def logged(self, step: int, phase: Phase, values: dict[str, float | None]) -> None:  # noqa: ARG002
        """The rates in force in the update that was just made: the schedule moves on after the log."""
        if self._training is None or step % self._interval:
            return
        groups = self._training.optimizer.param_groups
        rates = {name: [groups[index]["lr"] for index in indices] for name, indices in self._groups.items()}
        self._training.recorder.measure({f"hook/{name}_lr": max(map(float, of)) for name, of in rates.items() if of})


def _size(weight: Any) -> int:
    """Numbers in a weight; DeepSpeed leaves a shard of it here and its size in a field of its own."""
    return int(getattr(weight, "ds_numel", weight.numel()))


def _groups(optimizer: Any, weights: list[Any]) -> tuple[int, ...]:
    """Which groups of the optimizer hold one of the weights."""
    mine = {id(weight) for weight in weights}
    groups = getattr(optimizer, "param_groups", ())
    return tuple(index for index, group in enumerate(groups) if any(id(weight) in mine for weight in group["params"]))


class Rollouts(Part):
    """Listens to the loop of the attached PPO trainer, on the process that logs."""

    task = "read PPO's rollout"

    def __init__(self, interval: int) -> None:
        self._interval = interval
        self._training: Training | None = None
        self._taps: list[Tap] = []
        self._gathering = False
        self._heard = False
        self._logprobs: list[torch.Tensor] = []
        self._values: list[torch.Tensor] = []
        self._scores: list[torch.Tensor] = []
        self._ended: list[torch.Tensor] = []
        self._found: torch.Tensor | None = None

    def begin(self, training: Training) -> None:
        """Listen, if this is the trainer whose loop we know."""
        self.idle = training.algorithm is not Algorithm.PPO or training.trainer is None or not training.is_main
        if self.idle:
            return
        loop = loop_globals(type(training.trainer))
        lacking = _lacking(loop)
        if loop is None or lacking:
            training.border.say(f"{_ABSENT}: this version of TRL's PPO works without {', '.join(lacking)}")
            return
        self._training = training
        heard = {
            "batch_generation": self._rollout_begins,
            "selective_log_softmax": self._log_probabilities,
            "get_reward": self._scored,
            "masked_whiten": self._whitened,
        }
        self._taps = [Tap(loop, name, _inside(training, self.task, hear)) for name, hear in heard.items()]
        for tap in self._taps:
            tap.open()

    def _rollout_begins(self, *_: Any, **__: Any) -> None:
        """Also called for the sample generations, which are never whitened: the next rollout begins anew."""
        self._forget()
        step = self._training.state.global_step + 1 if self._training is not None else 0
        self._gathering = step % self._interval == 0

    def _log_probabilities(self, logprobs: torch.Tensor, *_: Any, **__: Any) -> None:
        if self._gathering:
            self._logprobs.append(logprobs.detach())

    def _scored(
        self,
        result: tuple[torch.Tensor, ...],
        model: Any,  # noqa: ARG002
        query_responses: torch.Tensor,
        pad_token_id: int,  # noqa: ARG002
        context_length: int,
    ) -> None:
        if not self._gathering or self._training is None:
            return
        if len(self._values) == len(self._scores):  # each piece is valued, then scored
            self._values.append(result[0].detach()[:, context_length - 1 : -1].squeeze(-1))
            return
        trainer = self._training.trainer
        ends = {getattr(trainer.processing_class, "eos_token_id", None), getattr(trainer, "stop_token_id", None)} - {None}
        self._scores.append(result[1].detach())
        self._ended.append(holds(query_responses[:, context_length:], list(ends)))

    def _whitened(self, whitened: torch.Tensor, values: torch.Tensor, mask: torch.Tensor, shift_mean: bool = True) -> None:
        """Rewards are whitened with their mean kept, where asked for; what is centred are the advantages."""
        if not (self._gathering and shift_mean and self._training is not None):
            return
        self._heard = True
        args = self._training.args
        with torch.no_grad():
            self._found = figures(
                Rollout(
                    advantages=values.detach(),
                    whitened=whitened.detach(),
                    mask=mask,
                    values=joined(self._values),
                    logprobs=joined(self._logprobs[0::2]),
                    ref_logprobs=joined(self._logprobs[1::2]),
                    scores=joined(self._scores),
                    ended=joined(self._ended),
                    missing_end_penalty=float(getattr(args, "missing_eos_penalty", None) or 0.0),
                    kl_coef=float(args.kl_coef),
                    squared=getattr(args, "kl_estimator", "k1") == "k3",
                )
            )
        self._let_go()

    def logged(self, step: int, phase: Phase, values: dict[str, float | None]) -> None:  # noqa: ARG002
        """By now the trainer has waited for its own numbers, so that ours cost no waiting."""
        if self._training is None or step % self._interval:
            return
        if self._found is None and not self._heard:
            self._training.border.say(f"{_ABSENT}: the loop of this trainer calls none of the functions that are listened to")
        if self._found is not None:
            self._training.recorder.measure(told(self._found))
        self._found = None

    def _let_go(self) -> None:
        """Of the tensors; the loop drops its own soon after."""
        self._gathering = False
        self._logprobs, self._values, self._scores, self._ended = [], [], [], []

    def _forget(self) -> None:
        self._let_go()
        self._found = None

    def ended(self, step: int) -> None:  # noqa: ARG002
        """The loop is left as it was."""
        self.close()

    def close(self) -> None:
        """Listen no more, also where the training failed."""
        for tap in self._taps:
            tap.close()
        self._taps = []
        self._forget()


def loop_globals(trainer: type) -> dict[str, Any] | None:
    """The globals of PPO's own `train`, which a user's subclass may call; None for a trainer of another kind."""
    for kind in trainer.__mro__:
        train = inspect.unwrap(vars(kind).get("train", None) or (lambda: None))
        names: dict[str, Any] = getattr(train, "__globals__", {})
        if kind.__name__.startswith("PPO") and "masked_whiten" in names:
            return names
    return None


def _lacking(loop: dict[str, Any] | None) -> tuple[str, ...]:
    """Functions that the loop does not have, or not with these parameters."""
    names = loop or {}
    return tuple(name for name, wanted in _NEEDED.items() if not _takes(names.get(name), wanted))


def _takes(function: Any, wanted: tuple[str, ...]) -> bool:
    return callable(function) and (not wanted or tuple(inspect.signature(function).parameters) == wanted)


def _inside(training: Training, task: str, hear: Any) -> Any:
    """The listener, inside the border."""

    def heard(*arguments: Any, **named: Any) -> None:
        training.border.attempt(task, hear, *arguments, **named)

    return heard
