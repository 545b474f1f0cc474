"""The catalogue: every key of every trainer finds its name, and names its unit."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from rldk_tui.events import Algorithm, RunStarted, decode_line
from rldk_tui.metrics import (
    CATALOGUE,
    algorithm_from_config,
    algorithm_from_keys,
    algorithm_from_trainer,
    canonical,
    framework_from_config,
    lookup,
    title,
)
from tests.conftest import SAMPLE_RUNS


def test_no_key_stands_for_two_metrics() -> None:
    keys = Counter(key for metric in CATALOGUE for key in (metric.name, *metric.aliases))
    assert [key for key, count in keys.items() if count > 1] == []


def test_every_band_says_who_says_so() -> None:
    assert all(band.source for metric in CATALOGUE for band in metric.bands.values())


def test_what_a_rule_may_miss_says_how_to_log_it() -> None:
    for name in ("kl", "entropy", "completions/clipped_ratio", "frac_reward_zero_std", "grad_norm"):
        assert lookup(name).to_log


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("objective/kl", "kl"),
        ("objective/scores", "reward"),
        ("ppo/mean_scores", "reward"),
        ("policy/entropy_avg", "entropy"),
        ("objective/entropy", "entropy/sequence"),
        ("lr", "learning_rate"),
        ("completion_length", "completions/mean_length"),
        ("policy/approxkl_avg", "approx_kl"),
        ("rewards/correctness", "rewards/correctness/mean"),
        ("rewards/correctness/std", "rewards/correctness/std"),
        ("rewards/margins", "rewards/margins"),
        ("my/own", "my/own"),
    ],
)
def test_a_trainers_key_becomes_the_catalogues_name(key: str, name: str) -> None:
    assert canonical(key) == name
    assert canonical(name) == name


def test_one_name_has_each_trainers_own_unit() -> None:
    kl, entropy = lookup("kl"), lookup("entropy")
    assert {kl.unit_in(Algorithm.GRPO), kl.unit_in(Algorithm.RLOO)} == {"nat/token"}
    assert {kl.unit_in(Algorithm.PPO), kl.unit_in(Algorithm.ONLINE_DPO), kl.unit_in(Algorithm.KTO)} == {"nat/sequence"}
    assert kl.unit_in(None) == ""
    assert entropy.unit_in(Algorithm.PPO) == "nat/token"
    assert kl.band_in(Algorithm.GRPO) != kl.band_in(Algorithm.PPO)


def test_eval_metrics_share_their_rows() -> None:
    assert lookup("eval/kl") is lookup("kl")
    assert title("eval/reward") == "Reward (eval)"
    assert lookup("never/heard/of").unit == ""


@pytest.mark.parametrize("run", ["grpo-healthy", "ppo-negative-kl"])
def test_a_real_runs_config_and_keys_tell_its_trainer(run: str) -> None:
    with (SAMPLE_RUNS / run / "rldk" / "events-rank00000.jsonl").open("rb") as log:
        started = decode_line(log.readline())
    assert isinstance(started, RunStarted)
    assert algorithm_from_config(started.config) is started.algorithm
    state = json.loads((SAMPLE_RUNS / run / "trainer_state.json").read_text())
    told = algorithm_from_keys(frozenset(state["log_history"][0]))
    assert told is (Algorithm.PPO if run.startswith("ppo") else None), "GRPO and RLOO log the same keys: none is guessed"


def test_orpo_is_not_taken_for_dpo() -> None:
    keys = frozenset({"rewards/margins", "rewards/accuracies"})
    assert algorithm_from_keys(keys) is Algorithm.DPO
    assert algorithm_from_keys(keys | {"odds_ratio_loss", "sft_loss"}) is None


@pytest.mark.parametrize(("setting", "framework"), [("scale_rewards", "TRL"), ("fp16", "Hugging Face Trainer")])
def test_a_config_tells_whose_it_is(setting: str, framework: str) -> None:
    config = {"per_device_train_batch_size": 8, "gradient_accumulation_steps": 1, "lr_scheduler_type": "linear"}
    assert framework_from_config(config | {setting: True}) == framework
    assert framework_from_config({setting: True}) is None


@pytest.mark.parametrize(
    ("trainer", "algorithm"),
    [
        ("GRPOTrainer", Algorithm.GRPO),
        ("RLOOConfig", Algorithm.RLOO),
        ("PPOv2Trainer", Algorithm.PPO),
        ("OnlineDPOTrainer", Algorithm.ONLINE_DPO),
        ("reward-trainer", Algorithm.REWARD),
        ("kto", Algorithm.KTO),
        ("Trainer", None),
        ("SomethingElse", None),
    ],
)
def test_a_class_name_tells_the_algorithm(trainer: str, algorithm: Algorithm | None) -> None:
    assert algorithm_from_trainer(trainer) is algorithm
