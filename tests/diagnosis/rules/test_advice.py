"""What is proposed can be done: every parameter named is one that the run's own trainer has."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache

import pytest

from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.engine import Engine
from rldk_tui.events import Algorithm, Finding
from rldk_tui.run import RunInfo
from rldk_tui.session import RunHealth, RunSession
from tests.builders import Value, a_run
from tests.conftest import SAMPLE_RUNS

RUNS = tuple(sorted(file.parent.name for file in SAMPLE_RUNS.glob("*/expected_findings.toml")))
OF_TRAIN = frozenset({"resume_from_checkpoint"})
"""Arguments of TRL's `train()`, which PPO's does not take."""


@cache
def health(run: str) -> RunHealth:
    return RunSession(SAMPLE_RUNS / run, clock=lambda: 2e9).poll()


def strangers(found: Iterable[Finding], info: RunInfo) -> set[tuple[str, str]]:
    """Parameters that the run does not have, each with the rule that names it."""
    of_train = frozenset() if info.algorithm is Algorithm.PPO else OF_TRAIN
    named = {(finding.rule, item.parameter) for finding in found for item in finding.advice if item.parameter}
    known = {*info.config, *of_train} - (OF_TRAIN - of_train)
    return {(rule, parameter) for rule, parameter in named if info.config and parameter not in known}


@pytest.mark.parametrize("run", RUNS)
def test_of_the_sample_runs(run: str) -> None:
    assert strangers(health(run).findings, health(run).snapshot.info) == set()


TROUBLE: dict[str, Sequence[Value]] = {
    "kl": [0.2, *[30.0] * 59],
    "entropy": [0.001] * 60,
    "reward": [0.1] * 10 + [1.0] * 30 + [0.0] * 20,
    "reward_std": [0.2] * 60,
    "frac_reward_zero_std": [1.0] * 60,
    "completions/clipped_ratio": [1.0] * 60,
    "grad_norm": [0.0] * 40 + [math.nan] * 20,
    "loss": [0.0] * 60,
    "learning_rate": [1e-6] * 60,
    "policy_loss": [math.nan] * 60,
}


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("run", RUNS)
def test_of_their_trainers_in_every_trouble(run: str, negative: bool) -> None:
    info = health(run).snapshot.info
    built = a_run(info.algorithm, config={**info.config, "logging_steps": 1}, max_steps=100)
    for metric, values in TROUBLE.items():
        built = built.with_metric(metric, [-7.0] * 60 if negative and metric == "kl" else values)
    found = Engine(load_rules()).diagnose(built.snapshot(alive=False)).findings
    assert len({finding.rule for finding in found}) >= 4
    assert strangers(found, info) == set()
