"""Which name each field of a record is read from.

The metric catalogue knows every trainer's and version's keys (`rldk_tui.metrics.canonical`), so each field names the
catalogue's metrics only: the first that was logged or measured gives the value. A field not listed here that is measured
inside the loop goes by its own name: `hook/<field>`.
"""

from __future__ import annotations

from collections.abc import Mapping

from rldk_tui.events import Algorithm
from rldk_tui.metrics import CATALOGUE
from rldk_tui.metrics.metric import GROUPED, ONLINE

LOGGED: Mapping[str, tuple[str, ...]] = {
    "epoch": ("epoch",),
    "loss": ("loss",),
    "grad_norm": ("grad_norm",),
    "learning_rate": ("learning_rate",),
    "reward_mean": ("reward",),
    "reward_std": ("reward_std",),
    "reward_min": ("min_reward",),
    "reward_max": ("max_reward",),
    "kl_mean": ("kl",),
    "kl_std": ("kl_std",),
    "entropy_mean": ("entropy",),
    "clip_frac": ("clip_fraction",),
    "value_loss": ("value_loss",),
    "policy_loss": ("policy_loss",),
    "value_policy_loss": ("value_policy_loss",),
    # the key itself: the catalogue counts it as a gradient norm, which of PPO's two networks only the key says
    "policy_grad_norm": ("ppo/policy/grad_norm",),
    "value_grad_norm": ("value_grad_norm",),
    "value_mean": ("value_mean",),
    "value_std": ("value_std",),
    "advantage_mean": ("advantage_mean",),
    "advantage_std": ("advantage_std",),
    "rollout_length_mean": ("completions/mean_length",),
    "rollout_length_std": ("completions/length_std",),
    "rollout_mean_reward": ("rlhf_reward",),
    "kl_coef": ("kl_coef",),
    "step_time_seconds": ("step_time",),
    "step_seconds": ("hook/step_time",),
    "tokens_seen": ("num_tokens",),
}

ONE_NETWORK: Mapping[str, tuple[str, ...]] = {
    "policy_grad_norm": ("grad_norm",),
    "policy_lr": ("learning_rate",),
    "policy_total_params": ("hook/parameters_total",),
    "policy_trainable_params": ("hook/parameters_trainable",),
}
"""Where the policy is all that is trained, the whole model's numbers are the policy's."""
BOTH_NETWORKS: Mapping[str, tuple[str, ...]] = {"policy_lr": ("learning_rate",), "value_lr": ("learning_rate",)}
"""TRL's PPO trains policy and value model by one optimizer and logs its rate."""

_HOOKS = frozenset(metric.name for metric in CATALOGUE if metric.name.startswith("hook/"))


def sources(field: str, algorithm: Algorithm | None) -> tuple[str, ...]:
    """Catalogue names that may give this field its value, the best first: what the trainer logs, then what was measured."""
    measured = f"hook/{field}"
    found = (*LOGGED.get(field, ()), measured) if measured in _HOOKS else LOGGED.get(field, ())
    if algorithm is Algorithm.PPO:
        return (*found, *BOTH_NETWORKS.get(field, ()))
    return found if algorithm is Algorithm.REWARD else (*found, *ONE_NETWORK.get(field, ()))


def standing(name: str) -> bool:
    """Whether what was measured once holds for the whole training, as the size of a network does."""
    return name.startswith("hook/parameters_") or name.endswith("_params") or name == "hook/rollout_buffer_size"


_OF_PPO = frozenset(
    {
        "value_loss",
        "value_policy_loss",
        "value_grad_norm",
        "value_mean",
        "value_std",
        "value_total_params",
        "value_trainable_params",
        "value_lr",
        "clip_range_value",
        "rollout_buffer_size",
        "rollout_buffer_pos",
        "rollout_mean_reward",
        "rollout_std_reward",
    }
)
_OF_SAMPLING = frozenset(
    {
        "reward_mean",
        "reward_std",
        "reward_min",
        "reward_max",
        "kl_mean",
        "kl_std",
        "rollout_length_mean",
        "rollout_length_std",
        "kl_coef",
        "target_kl",
    }
)
_OF_THE_POLICY_GRADIENT = frozenset(
    {"clip_frac", "policy_loss", "advantage_mean", "advantage_std", "advantage_normalized", "clip_range"}
)
_OF_A_REWARD_MODEL = frozenset({"reward_mean", "reward_min", "reward_max"})
_OF_A_POLICY = frozenset({"policy_grad_norm", "policy_total_params", "policy_trainable_params", "policy_lr", "entropy_mean"})


def applicable(field: str, algorithm: Algorithm | None) -> bool:
    """Whether a training of this kind has such a thing at all: GRPO has no value network, SFT samples no replies."""
    if field in _OF_PPO:
        return algorithm in (None, Algorithm.PPO)
    if field in _OF_THE_POLICY_GRADIENT:
        return algorithm in (None, Algorithm.PPO, *GROUPED)
    if field in _OF_SAMPLING:
        return algorithm is None or algorithm in ONLINE or (algorithm is Algorithm.REWARD and field in _OF_A_REWARD_MODEL)
    return field not in _OF_A_POLICY or algorithm is not Algorithm.REWARD
