"""The table of defaults is that of the trainer it names."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from rldk_tui.analysis.config_defaults import defaults_of, defaults_version, set_otherwise
from rldk_tui.events import Algorithm


def test_only_what_differs_is_told() -> None:
    config = {"beta": 0, "learning_rate": 1e-5, "num_generations": 8.0, "use_vllm": 1, "of_its_own": 3, "bf16": True}
    assert set_otherwise(config, Algorithm.GRPO) == {"learning_rate": (1e-5, 1e-6), "use_vllm": (1, False)}


def test_every_trainer_has_its_own() -> None:
    assert {algorithm: defaults_of(algorithm).get("learning_rate") for algorithm in (Algorithm.GRPO, Algorithm.DPO)} == {
        Algorithm.GRPO: 1e-6,
        Algorithm.DPO: 1e-6,
    }
    for algorithm in Algorithm:
        assert len(defaults_of(algorithm)) > 100
    assert "learning_rate" not in defaults_of(None)


@pytest.mark.train
def test_they_are_those_of_the_trl_they_name() -> None:
    if version("trl") != defaults_version():
        pytest.skip("another trl is installed")
    from trl import DPOConfig, GRPOConfig

    for algorithm, config in ((Algorithm.GRPO, GRPOConfig), (Algorithm.DPO, DPOConfig)):
        known = defaults_of(algorithm)
        for name in ("beta", "learning_rate", "logging_steps", "max_grad_norm", "gradient_checkpointing"):
            assert known[name] == config.__dataclass_fields__[name].default
