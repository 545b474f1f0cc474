"""TRL's trainer of a description: one function a trainer, since each takes its models by names of its own."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any

from rldk_tui.errors import UserError
from rldk_tui.integrations.trl.managed import sources
from rldk_tui.integrations.trl.managed.configuration import TRLIntegrationConfig
from rldk_tui.integrations.trl.reward_functions import wrap_reward


def build(config: TRLIntegrationConfig, model: Any, dataset: Any, callbacks: list[Any]) -> Any:
    """The trainer, ready to train.

    Args:
        config: The description.
        model: The model to train, or its name; None to take the description's.
        dataset: The data, or its name; None to take the description's.
        callbacks: The trainer's callbacks.

    Raises:
        UserError: if something named does not exist, or an argument is none of this trainer's.
    """
    name = model if isinstance(model, str) else config.model_name
    return _BUILD[config.trainer](
        config, name, _data(config, dataset), callbacks, model if not isinstance(model, str) else None
    )


def _data(config: TRLIntegrationConfig, given: Any) -> Any:
    if given is not None and not isinstance(given, str):
        return given
    name = given or config.dataset_name
    if name is None:
        raise UserError("There is nothing to train on.", "Set dataset_name, or hand a dataset to setup_trl_trainer.")
    return sources.dataset(name, config.dataset_split)


def _evaluation(config: TRLIntegrationConfig) -> Any:
    return sources.dataset(config.eval_dataset_name, config.dataset_split) if config.eval_dataset_name else None


def _arguments(kind: Any, config: TRLIntegrationConfig, **own: Any) -> Any:
    """TRL's config: the description's fields, then what stands below `trainer_arguments`.

    Raises:
        UserError: if TRL has no such argument, or refuses a value.
    """
    plain = {
        "output_dir": config.output_dir,
        "learning_rate": config.learning_rate,
        "per_device_train_batch_size": config.batch_size,
        "max_steps": config.num_steps,
        "seed": config.seed,
        "logging_steps": 1,
        "report_to": "none",
    }
    given = {name: value for name, value in plain.items() if value is not None} | own | dict(config.trainer_arguments)
    known = inspect.signature(kind).parameters
    for name in given:
        if name not in known:
            raise UserError(f"{kind.__name__} of this trl has no argument {name!r}.", "Look at [trainer_arguments].")
    try:
        return kind(**given)
    except (ValueError, TypeError) as failure:
        raise UserError(f"{kind.__name__} refuses its arguments: {failure}") from failure


def _scorers(config: TRLIntegrationConfig) -> list[Any]:
    """What scores replies: functions, wrapped where their replies are recorded, and a model."""
    functions: list[Any] = [sources.reward_function(name) for name in config.reward_functions]
    if config.enable_reward_monitoring:
        functions = [wrap_reward(function) for function in functions]
    return functions + ([sources.scoring_model(config.reward_model_name)] if config.reward_model_name else [])


def _sampling(kind: tuple[str, str, str]) -> Callable[..., Any]:
    """GRPO, RLOO and Online DPO: a policy and what scores its replies."""

    def build_it(config: TRLIntegrationConfig, name: str, data: Any, callbacks: list[Any], model: Any) -> Any:
        arguments, trainer = _classes(*kind)
        return trainer(
            model=model or sources.language_model(name),
            reward_funcs=_scorers(config),
            args=_arguments(arguments, config),
            train_dataset=data,
            eval_dataset=_evaluation(config),
            processing_class=sources.tokenizer(name),
            callbacks=callbacks,
        )

    return build_it


def _supervised(kind: tuple[str, str, str], load: Callable[[str], Any]) -> Callable[..., Any]:
    """DPO, KTO, reward models and SFT: a model and data with the answers in it."""

    def build_it(config: TRLIntegrationConfig, name: str, data: Any, callbacks: list[Any], model: Any) -> Any:
        arguments, trainer = _classes(*kind)
        return trainer(
            model=model or load(name),
            args=_arguments(arguments, config),
            train_dataset=data,
            eval_dataset=_evaluation(config),
            processing_class=sources.tokenizer(name),
            callbacks=callbacks,
        )

    return build_it


def _ppo(config: TRLIntegrationConfig, name: str, data: Any, callbacks: list[Any], model: Any) -> Any:
    """PPO wants prompts as token ids, episodes instead of steps, and four models."""
    arguments, trainer = _classes("trl.experimental.ppo", "PPOConfig", "PPOTrainer")
    tokenizer = sources.tokenizer(name)
    asked = data if "input_ids" in data.column_names else _tokens(data, tokenizer)
    evaluated = _evaluation(config)
    if evaluated is not None and "input_ids" not in evaluated.column_names:
        evaluated = _tokens(evaluated, tokenizer)
    scorer = config.reward_model_name or ""
    args = _arguments(arguments, config)
    if config.num_steps and "total_episodes" not in config.trainer_arguments:
        args.total_episodes = config.num_steps * _episodes_a_step(args)
    return trainer(
        args=args,
        processing_class=tokenizer,
        model=model or sources.language_model(name),
        ref_model=sources.language_model(name),
        reward_model=sources.scoring_model(scorer),
        value_model=sources.scoring_model(config.value_model_name or scorer),
        train_dataset=asked,
        eval_dataset=evaluated if evaluated is not None else asked.select(range(min(16, len(asked)))),
        callbacks=callbacks,
    )


def _episodes_a_step(args: Any) -> int:
    """Replies of one PPO step, all processes together; its config learns their number only in the trainer."""
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    return int(args.per_device_train_batch_size * args.gradient_accumulation_steps * args.num_mini_batches * processes)


def _tokens(data: Any, tokenizer: Any) -> Any:
    if "prompt" not in data.column_names:
        raise UserError("PPO's data has neither 'prompt' nor 'input_ids'.", f"It has: {', '.join(data.column_names)}.")
    return data.map(lambda row: {"input_ids": tokenizer(row["prompt"])["input_ids"]}, remove_columns=data.column_names)


def _classes(module: str, arguments: str, trainer: str) -> tuple[Any, Any]:
    """TRL's classes.

    Raises:
        UserError: if this trl has no such trainer, as those without PPO since 1.13.
    """
    import importlib

    try:
        found = importlib.import_module(module)
        return getattr(found, arguments), getattr(found, trainer)
    except (ImportError, AttributeError) as failure:
        hint = "PPO was last in trl 1.12.0." if "ppo" in module else "pip install 'rldk-tui[trl]'"
        raise UserError(f"The installed trl has no {trainer}.", hint) from failure


_BUILD: dict[str, Callable[..., Any]] = {
    "ppo": _ppo,
    "grpo": _sampling(("trl", "GRPOConfig", "GRPOTrainer")),
    "rloo": _sampling(("trl", "RLOOConfig", "RLOOTrainer")),
    "online_dpo": _sampling(("trl.experimental.online_dpo", "OnlineDPOConfig", "OnlineDPOTrainer")),
    "dpo": _supervised(("trl", "DPOConfig", "DPOTrainer"), sources.language_model),
    "kto": _supervised(("trl", "KTOConfig", "KTOTrainer"), sources.language_model),
    "sft": _supervised(("trl", "SFTConfig", "SFTTrainer"), sources.language_model),
    "reward": _supervised(("trl", "RewardConfig", "RewardTrainer"), sources.scoring_model),
}
