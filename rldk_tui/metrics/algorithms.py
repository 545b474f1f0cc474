"""Which trainer a run is of, by what it logs and how it is set up."""

from __future__ import annotations

from collections.abc import Mapping

from rldk_tui.events.schema import Algorithm

_TELLING: tuple[tuple[frozenset[str], Algorithm], ...] = (
    (frozenset({"objective/scores_margin"}), Algorithm.ONLINE_DPO),
    (frozenset({"policy/approxkl_avg", "objective/scores"}), Algorithm.PPO),
    (frozenset({"ppo/policy/approxkl"}), Algorithm.PPO),
    (frozenset({"act_loss", "cri_loss"}), Algorithm.PPO),
    (frozenset({"rewards/margins", "rewards/accuracies"}), Algorithm.DPO),
    (frozenset({"accuracy", "margin"}), Algorithm.REWARD),
    (frozenset({"kl", "logps/chosen"}), Algorithm.KTO),
)


_OF_ORPO = frozenset({"log_odds_ratio", "log_odds_chosen", "odds_ratio_loss"})
"""What ORPO logs, whose rewards look like DPO's and have no reference model behind them."""


def algorithm_from_keys(keys: frozenset[str]) -> Algorithm | None:
    """The trainer that logs this set of keys, where the set is telling.

    GRPO and RLOO log the same keys with different meanings, so neither is guessed.
    """
    if not keys.isdisjoint(_OF_ORPO):
        return None
    return next((algorithm for telling, algorithm in _TELLING if telling <= keys), None)


_FRAMEWORKS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"actor/pg_loss", "response_length/mean"}), "verl"),
    (frozenset({"rollout/ep_rew_mean"}), "Stable-Baselines3"),
    (frozenset({"time/total_timesteps"}), "Stable-Baselines3"),
    (frozenset({"episode_reward_mean", "episodes_this_iter"}), "RLlib"),
    (frozenset({"ray/tune/episode_reward_mean"}), "RLlib"),
    (frozenset({"train_mean_nll", "num_loss_tokens"}), "Tinker"),
    (frozenset({"act_loss", "cri_loss"}), "DeepSpeed-Chat"),
    (frozenset({"current_steps", "total_steps"}), "LLaMA-Factory"),
    (frozenset({"global_step/max_steps"}), "ms-swift"),
)


def framework_from_keys(keys: frozenset[str]) -> str | None:
    """The framework whose log has these keys, its columns of steps included; None for TRL's and anybody else's."""
    return next((framework for telling, framework in _FRAMEWORKS if telling <= keys), None)


_TELLING_SETTINGS: tuple[tuple[str, Algorithm], ...] = (
    ("num_ppo_epochs", Algorithm.PPO),
    ("normalize_advantages", Algorithm.RLOO),
    ("scale_rewards", Algorithm.GRPO),
    ("desirable_weight", Algorithm.KTO),
    ("center_rewards_coefficient", Algorithm.REWARD),
    ("judge", Algorithm.ONLINE_DPO),
    ("ld_alpha", Algorithm.DPO),
    ("completion_only_loss", Algorithm.SFT),
)


def algorithm_from_config(config: Mapping[str, object]) -> Algorithm | None:
    """The trainer whose config class has these settings, where one of them is its own."""
    return next((algorithm for setting, algorithm in _TELLING_SETTINGS if setting in config), None)


_HUGGING_FACE = frozenset({"per_device_train_batch_size", "gradient_accumulation_steps", "lr_scheduler_type"})
"""Settings that every config class of the Hugging Face Trainer has."""


def framework_from_config(config: Mapping[str, object]) -> str | None:
    """The framework whose config class has these settings."""
    if not config.keys() >= _HUGGING_FACE:
        return None
    return "Hugging Face Trainer" if algorithm_from_config(config) is None else "TRL"


def algorithm_from_trainer(trainer: str) -> Algorithm | None:
    """The algorithm of a trainer or config class by its name: `GRPOTrainer`, `RLOOConfig`, `reward-trainer`, `grpo`."""
    plain = trainer.lower().replace("-", "").replace("_", "")
    name = plain.removesuffix("trainer").removesuffix("config")
    names = {algorithm.value.replace("_", ""): algorithm for algorithm in Algorithm}
    return names.get(name) or {"ppov2": Algorithm.PPO, "rm": Algorithm.REWARD}.get(name)
