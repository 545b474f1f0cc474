"""Which section tells of a metric: each has one place on the page, by what it means for the trainer at hand."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto

from rldk_tui.events import Algorithm
from rldk_tui.metrics import lookup
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import RunSnapshot


class Theme(Enum):
    """What a metric tells of."""

    LEARNING = auto()
    STABILITY = auto()
    VALUE = auto()
    COST = auto()
    WORKINGS = auto()
    """What checks calculate with, and what other sections say in words or tables; nobody reads it as a curve."""
    REST = auto()


_NAMES: dict[Theme, tuple[str, ...]] = {
    Theme.LEARNING: (
        "reward",
        "rewards/accuracies",
        "accuracy",
        "rewards/margins",
        "margin",
        "mean_token_accuracy",
        "rewards/chosen",
        "rewards/rejected",
        "logps/chosen",
        "logps/rejected",
        "logits/chosen",
        "logits/rejected",
        "gold",
        "rlhf_reward",
        "hook/rollout_mean_reward",
        "hook/rollout_std_reward",
        "reward_std",
        "hook/reward_std",
        "min_reward",
        "hook/reward_min",
        "max_reward",
        "hook/reward_max",
        "frac_reward_zero_std",
    ),
    Theme.STABILITY: (
        "kl",
        "entropy",
        "entropy/sequence",
        "grad_norm",
        "loss",
        "policy_loss",
        "approx_kl",
        "clip_fraction",
        "policy_ratio",
        "policy_ratio_var",
        "learning_rate",
        "kl_std",
        "hook/kl_std",
        "kl_penalty",
        "kl_coef",
        "hook/grad_norm_peak",
        "hook/policy_grad_norm",
        "hook/value_grad_norm",
        "hook/update_ratio",
        "hook/lost_updates",
        "hook/nonfinite_gradients",
        "hook/nonfinite_parameters",
        "hook/policy_lr",
        "hook/value_lr",
    ),
    Theme.VALUE: (
        "explained_variance",
        "hook/explained_variance",
        "value_loss",
        "value_clip_fraction",
        "value_policy_loss",
        "value_grad_norm",
        "value_mean",
        "value_std",
        "hook/value_mean",
        "hook/value_std",
        "hook/return_mean",
        "hook/return_std",
        "advantage_mean",
        "advantage_std",
        "hook/advantage_mean",
        "hook/advantage_std",
        "hook/advantage_normalized",
    ),
    Theme.COST: (
        "step_time",
        "hook/step_time",
        "step_seconds",
        "hook/tokens_per_second",
        "hook/samples_per_second",
        "num_tokens",
        "episode",
        "eps",
        "train_runtime",
        "runtime",
        "samples_per_second",
        "steps_per_second",
        "train_samples_per_second",
        "train_steps_per_second",
        "total_flos",
    ),
    Theme.WORKINGS: (
        "samples/length_reward_groups",
        "samples/length_reward_z",
        "samples/length_reward_weight",
        "samples/length_reward_covariance",
        "samples/length_variance",
        "samples/phrase_share_before",
        "samples/reward_between",
        "samples/reward_between_freedom",
        "samples/reward_within",
        "samples/reward_within_freedom",
        "samples/group_size",
    ),
}
_PREFIXES: dict[str, Theme] = {
    "checkpoint/": Theme.WORKINGS,
    "rewards/": Theme.LEARNING,
    "clip_ratio/": Theme.STABILITY,
    "sampling/": Theme.STABILITY,
    "hook/time_": Theme.COST,
    "hook/memory_": Theme.COST,
    "system/": Theme.COST,
}
_THEME = {name: theme for theme, names in _NAMES.items() for name in names}
_PLACE = {name: place for names in _NAMES.values() for place, name in enumerate(names)}
_LAST = 1000


def theme_of(name: str, algorithm: Algorithm | None) -> Theme:
    """Where a metric belongs; a loss tells of learning where it is what is learned, and of the update elsewhere."""
    bare = name.removeprefix("eval/").removeprefix("final/")
    if bare == "loss" and algorithm is not None and algorithm not in ONLINE:
        return Theme.LEARNING
    known = _THEME.get(bare)
    return known or next((theme for prefix, theme in _PREFIXES.items() if bare.startswith(prefix)), Theme.REST)


def names_of(snapshot: RunSnapshot, theme: Theme) -> list[str]:
    """The run's metrics of a theme, the telling ones first and each evaluation behind what it is of."""
    names = (name for name in snapshot.shown_names() if theme_of(name, snapshot.info.algorithm) is theme)
    return sorted(names, key=lambda name: _place(name, theme))


def _place(name: str, theme: Theme) -> tuple[int, str, bool]:
    bare = name.removeprefix("eval/")
    place = (lookup(bare).headline or _LAST) if theme is Theme.REST else _PLACE.get(bare, _LAST)
    return place, bare if place < _LAST else "", name != bare


def logged_any(snapshot: RunSnapshot, names: Iterable[str]) -> bool:
    """Whether any of these was logged."""
    return not set(snapshot.metric_names()).isdisjoint(names)
