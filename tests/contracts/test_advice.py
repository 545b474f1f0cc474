"""What a finding proposes to set can be typed into the config of the run's own trainer."""

from __future__ import annotations

import dataclasses
import random
import warnings
from typing import Any

import msgspec
import pytest

from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.events import Algorithm, RunStarted
from tests.builders import OURS
from tests.histories import at_once, random_events

HISTORIES = 250


@pytest.fixture(scope="module")
def settings_of() -> dict[Algorithm, set[str]]:
    """The names of each trainer's settings."""
    trl = pytest.importorskip("trl", reason="TRL is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ppo = pytest.importorskip("trl.experimental.ppo", reason="this TRL has no PPO")
    configs: dict[Algorithm, Any] = {
        Algorithm.GRPO: trl.GRPOConfig,
        Algorithm.RLOO: trl.RLOOConfig,
        Algorithm.PPO: ppo.PPOConfig,
        Algorithm.DPO: trl.DPOConfig,
        Algorithm.KTO: trl.KTOConfig,
        Algorithm.REWARD: trl.RewardConfig,
        Algorithm.SFT: trl.SFTConfig,
    }
    return {algorithm: {field.name for field in dataclasses.fields(config)} for algorithm, config in configs.items()}


@pytest.mark.train
@pytest.mark.parametrize("configured", [True, False])
def test_every_parameter_proposed_is_one_of_the_trainers(settings_of: dict[Algorithm, set[str]], configured: bool) -> None:
    proposed: set[tuple[str, str]] = set()
    for seed in range(HISTORIES):
        events = random_events(random.Random(seed))
        started = next(event for event in events if isinstance(event, RunStarted))
        known = settings_of.get(started.algorithm) if started.algorithm is not None else None
        if known is None:
            continue
        config = {name: value for name, value in started.config.items() if name in known and configured}
        told = [
            (msgspec.structs.replace(event, config=config) if isinstance(event, RunStarted) else event, OURS)
            for event in events
        ]
        for finding in at_once(told, load_rules()).findings:
            named = {(finding.rule, item.parameter) for item in finding.advice if item.parameter is not None}
            assert {parameter for _, parameter in named} <= known, (started.algorithm, named)
            proposed |= named
    assert len(proposed) > 20, "the histories make the rules speak"
