"""A description that cannot be trained is refused with one sentence and a hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from rldk_tui.errors import UserError
from rldk_tui.integrations.trl.managed.configuration import TRLIntegrationConfig

EXAMPLES = Path(__file__).resolve().parents[4] / "docs" / "examples"


def toml(folder: Path, text: str) -> Path:
    (folder / "train.toml").write_text(text)
    return folder / "train.toml"


@pytest.mark.parametrize("name", ["grpo.toml", "ppo.toml"])
def test_the_examples_are_descriptions(name: str) -> None:
    config = TRLIntegrationConfig.from_toml(EXAMPLES / name)
    assert config.trainer == name.removesuffix(".toml")
    assert config.trainer_arguments["save_steps"] == 10


def test_names_beside_the_file_are_found_and_names_on_the_hub_stay(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "mine.py").write_text("")
    text = (
        'trainer = "grpo"\nmodel_name = "model"\ndataset_name = "trl-lib/tldr"\nreward_functions = ["mine.py:f", "pkg.mod:g"]'
    )
    config = TRLIntegrationConfig.from_toml(toml(tmp_path, text))
    assert config.model_name == str(tmp_path / "model")
    assert config.dataset_name == "trl-lib/tldr"
    assert config.reward_functions == (f"{tmp_path / 'mine.py'}:f", "pkg.mod:g")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('trainer = "grpo', "is no TOML"),
        ('model_name = "m"', "trainer is missing"),
        ('trainer = "sft"', "model_name is missing"),
        ('trainer = "gspo"\nmodel_name = "m"', "'gspo' is no trainer"),
        ('trainer = "sft"\nmodel_name = "m"\nlearning_rat = 1', "'learning_rat' is no field"),
        ('trainer = "sft"\nmodel_name = "m"\nlearning_rate = "high"', "learning_rate = 'high' is not of type float"),
        ('trainer = "sft"\nmodel_name = "m"\nnum_steps = true', "num_steps = True is not of type int"),
        ('trainer = "sft"\nmodel_name = "m"\nnum_steps = 0', "num_steps = 0 must be above zero"),
        ('trainer = "sft"\nmodel_name = "m"\nstop_on = "bad"', "stop_on = 'bad' is no severity"),
        ('trainer = "ppo"\nmodel_name = "m"', "PPO needs a reward model"),
        ('trainer = "grpo"\nmodel_name = "m"', "grpo needs something that scores replies"),
        ('trainer = "sft"\nmodel_name = 7', "model_name = 7 is not a text"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UserError, match=told.replace("(", r"\(")):
        TRLIntegrationConfig.from_toml(toml(tmp_path, text))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        TRLIntegrationConfig.from_toml(tmp_path / "nothing.toml")
