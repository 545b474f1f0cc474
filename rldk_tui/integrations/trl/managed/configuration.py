"""What is to be trained, and what is to be watched: one description, in Python or in a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from rldk_tui.errors import UserError
from rldk_tui.events import Severity

TRAINERS = ("ppo", "grpo", "rloo", "dpo", "kto", "online_dpo", "reward", "sft")
"""The trainers that can be named."""
NEEDS_REWARD = frozenset({"ppo", "grpo", "rloo", "online_dpo"})
"""Those that need something that scores replies."""
_EXAMPLES = "docs/examples in the project's source has one for each trainer"


@dataclass(frozen=True, slots=True, kw_only=True)
class TRLIntegrationConfig:
    """One training.

    Names of models and datasets are local paths or names on the Hugging Face hub, alike.

    Attributes:
        trainer: One of `TRAINERS`.
        model_name: What is trained.
        dataset_name: What it is trained on: a JSON, JSON Lines, CSV or Parquet file, a folder that `datasets` saved, or a
            name on the hub. None where a dataset is handed to `setup_trl_trainer`.
        dataset_split: The split that is used.
        eval_dataset_name: What it is evaluated on; None to use nothing.
        output_dir: The run directory.
        reward_functions: Reward functions, as `package.module:function` or `file.py:function`.
        reward_model_name: A model that scores replies; PPO needs one, GRPO, RLOO and Online DPO may have it besides.
        value_model_name: PPO's value network; the reward model's weights by default.
        learning_rate, batch_size, num_steps, seed: TRL's `learning_rate`, `per_device_train_batch_size`, `max_steps` and
            `seed`; None leaves TRL's own default.
        trainer_arguments: Everything else of TRL's config, by its names there.
        enable_profiling: Whether to measure the time of each phase (generate, score, update, save).
        enable_checkpoint_analysis: Whether each checkpoint is analysed, in a process of its own.
        enable_reward_monitoring: Whether prompts, replies and their rewards are recorded, for the rules that need them.
        record_text: Whether their text is; without it lengths and rewards alone.
        anomaly_threshold: Robust standard deviations from which PPO's, GRPO's and RLOO's monitor speaks of an anomaly.
        log_dir: Where the events are written; the run directory by default.
        stop_on: Severity at which the training is asked to save and stop; None never. PPO cannot be asked.
        enable_report: Whether a report is written when the training is over.
    """

    trainer: str
    model_name: str
    dataset_name: str | None = None
    dataset_split: str = "train"
    eval_dataset_name: str | None = None
    output_dir: str = "rldk-run"
    reward_functions: tuple[str, ...] = ()
    reward_model_name: str | None = None
    value_model_name: str | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    num_steps: int | None = None
    seed: int | None = None
    trainer_arguments: Mapping[str, Any] = field(default_factory=dict)
    enable_profiling: bool = False
    enable_checkpoint_analysis: bool = True
    enable_reward_monitoring: bool = True
    record_text: bool = True
    anomaly_threshold: float = 3.0
    log_dir: str | None = None
    stop_on: str | None = None
    enable_report: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be trained.

        Raises:
            UserError: if a value is none that is known, or one is missing that this trainer needs.
        """
        if self.trainer not in TRAINERS:
            raise UserError(f"{self.trainer!r} is no trainer this can build.", f"One of: {', '.join(TRAINERS)}.")
        if not self.model_name:
            raise UserError("model_name is empty.", "Give a local path or a name on the hub.")
        self._check_rewards()
        if self.stop_on is not None and self.stop_on not in list(Severity):
            raise UserError(f"stop_on = {self.stop_on!r} is no severity.", f"One of: {', '.join(Severity)}.")
        for name in ("learning_rate", "batch_size", "num_steps", "anomaly_threshold"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise UserError(f"{name} = {value!r} must be above zero.")

    def _check_rewards(self) -> None:
        if self.trainer == "ppo" and self.reward_model_name is None:
            raise UserError("PPO needs a reward model.", "Set reward_model_name.")
        if self.trainer in NEEDS_REWARD and not (self.reward_functions or self.reward_model_name):
            raise UserError(
                f"{self.trainer} needs something that scores replies.",
                'Set reward_functions = ["my_rewards.py:function"], or reward_model_name.',
            )

    @classmethod
    def from_toml(cls, path: Path) -> TRLIntegrationConfig:
        """The description in a TOML file: the fields above, `[trainer_arguments]` a table.

        Relative paths of models, data and functions are looked for beside the file.

        Raises:
            UserError: if the file cannot be read, or holds something that is no field.
        """
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as failure:
            raise UserError(f"{path} cannot be read: {failure.strerror or failure}.", _EXAMPLES) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
            raise UserError(f"{path} is no TOML: {failure}.", _EXAMPLES) from None
        return cls.from_mapping(given, where=str(path), beside=path.parent)

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any], *, where: str = "config", beside: Path = Path()) -> TRLIntegrationConfig:
        """The description in a mapping.

        Raises:
            UserError: if it holds something that is no field, or of the wrong type, or lacks one that is needed.
        """
        known = {item.name: item for item in fields(cls)}
        for name, value in given.items():
            if name not in known:
                raise UserError(
                    f"{where}: {name!r} is no field of it.", f"TRL's own go below [trainer_arguments]; {_EXAMPLES}."
                )
            _check_type(where, name, value, str(known[name].type))
        for name in ("trainer", "model_name"):
            if name not in given:
                raise UserError(f"{where}: {name} is missing.", f"{_EXAMPLES}.")
        values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
        for name in ("model_name", "dataset_name", "eval_dataset_name", "reward_model_name", "value_model_name"):
            if isinstance(values.get(name), str) and (beside / values[name]).exists():
                values[name] = str(beside / values[name])
        values["reward_functions"] = tuple(_beside(function, beside) for function in values.get("reward_functions", ()))
        return cls(**values)


_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "tuple[str, ...]": (list, tuple),
    "Mapping[str, Any]": (dict,),
}


def _check_type(where: str, name: str, value: object, declared: str) -> None:
    kind = declared.removesuffix(" | None")
    wanted = _TYPES[kind]
    right = isinstance(value, wanted) and (kind == "bool" or not isinstance(value, bool))
    if not right and not (value is None and declared.endswith("None")):
        words = {"tuple[str, ...]": "a list of texts", "Mapping[str, Any]": "a table", "str": "a text"}.get(
            kind, f"of type {kind}"
        )
        raise UserError(f"{where}: {name} = {value!r} is not {words}.")


def _beside(function: str, folder: Path) -> str:
    file, colon, name = function.rpartition(":")
    found = file.endswith(".py") and (folder / file).is_file()
    return f"{folder / file}{colon}{name}" if found else function
