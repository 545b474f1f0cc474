"""The metric catalogue: what a logged number is called, what it means and in which unit.

A trainer's key becomes a canonical name (`canonical`), which is the key today's TRL uses wherever it has one, so that users
meet the names they know. The unit depends on the trainer as well as on the name: `kl` is per token in GRPO and RLOO but
summed over the sequence in PPO and Online DPO, and one limit for all would be wrong. A key the catalogue does not know
keeps its own name and has no unit.

To add a metric: a row in `CATALOGUE`. Keys and meanings were read from the trainers (TRL 0.7 to 1.16).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from rldk_tui.events.schema import Algorithm

_GROUPED = frozenset({Algorithm.GRPO, Algorithm.RLOO})
_ONLINE = _GROUPED | {Algorithm.PPO, Algorithm.ONLINE_DPO}
_PAIRED = frozenset({Algorithm.DPO, Algorithm.KTO, Algorithm.ONLINE_DPO})


class Direction(StrEnum):
    """Which way the metric should move in a run that goes well."""

    UP = "up"
    DOWN = "down"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Band:
    """Values that are normal. `source` says who says so."""

    low: float | None
    high: float | None
    source: str

    def holds(self, value: float) -> bool:
        """Whether the value lies inside."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{self.low:g}–{self.high:g}"
        return f"≤ {self.high:g}" if self.high is not None else f"≥ {self.low:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One row of the catalogue.

    Attributes:
        name: Canonical name.
        title: What a chart calls it.
        unit: Its unit; "" for a plain number or ratio.
        units: The unit in trainers where it differs.
        aliases: Other keys for the same quantity.
        bands: Normal values per trainer; trainers without one have no agreed band.
        expected_in: Trainers that log it without being asked.
        note: What it is often mistaken for.
        to_log: How to get it logged where it is missing.
        headline: Its place on a small screen, 1 first; 0 keeps it off.
    """

    name: str
    title: str
    unit: str = ""
    units: Mapping[Algorithm, str] = field(default_factory=dict)
    direction: Direction = Direction.NEITHER
    aliases: tuple[str, ...] = ()
    bands: Mapping[Algorithm, Band] = field(default_factory=dict)
    expected_in: frozenset[Algorithm] = frozenset()
    note: str = ""
    to_log: str = ""
    headline: int = 0

    def unit_in(self, algorithm: Algorithm | None) -> str:
        """The unit the number has in this trainer's log."""
        if algorithm is None:
            return "" if self.units else self.unit
        return self.units.get(algorithm, self.unit)

    def band_in(self, algorithm: Algorithm | None) -> Band | None:
        """What is normal in this trainer, if anybody has said."""
        return None if algorithm is None else self.bands.get(algorithm)


def _same(band: Band, algorithms: frozenset[Algorithm]) -> Mapping[Algorithm, Band]:
    return MappingProxyType(dict.fromkeys(algorithms, band))


_FAQ = "TRL's training FAQ: 0 to 10 nats a reply of 32–53 tokens"
CATALOGUE: tuple[Metric, ...] = (
    Metric(
        name="reward",
        title="Reward",
        direction=Direction.UP,
        aliases=("objective/scores", "ppo/mean_scores", "env/reward_mean", "mean_reward", "ppo/rewards/mean"),
        expected_in=_ONLINE | {Algorithm.REWARD},
        note="a steady or rising reward alone proves nothing: a collapsed policy and a hacked reward look the same",
        headline=1,
    ),
    Metric(
        name="reward_std",
        title="Reward spread",
        aliases=("env/reward_std", "ppo/std_scores", "ppo/rewards/std"),
        expected_in=_GROUPED,
        note="over the whole batch since TRL 0.29, the mean of the groups' spreads before",
        headline=12,
    ),
    Metric(
        name="kl",
        title="KL to reference",
        unit="nat/token",
        units=MappingProxyType(
            {Algorithm.PPO: "nat/sequence", Algorithm.ONLINE_DPO: "nat/sequence", Algorithm.KTO: "nat/sequence"}
        ),
        aliases=("objective/kl", "ppo/policy/kl_mean"),
        bands=MappingProxyType(
            {
                Algorithm.GRPO: Band(0.0, 0.5, "RLDK rule kl-too-high"),
                Algorithm.RLOO: Band(-0.05, 0.5, "RLDK rules kl-negative and kl-too-high"),
                Algorithm.PPO: Band(-0.5, 10.0, _FAQ),
            }
        ),
        expected_in=frozenset({Algorithm.PPO, Algorithm.RLOO, Algorithm.KTO, Algorithm.ONLINE_DPO}),
        note="GRPO logs it only when beta is not 0, and beta is 0 by default; KTO clamps it at 0",
        to_log="set beta above 0 (0.001 costs little): with beta=0 the reference model is not even loaded",
        headline=2,
    ),
    Metric(
        name="entropy",
        title="Entropy",
        unit="nat/token",
        aliases=("policy/entropy_avg", "ppo/policy/entropy"),
        expected_in=_GROUPED | {Algorithm.PPO, Algorithm.DPO, Algorithm.KTO, Algorithm.SFT},
        note="falling by half or more is normal while the reward rises; a level near 0 is not",
        to_log="use trl >= 0.24, which logs it for every trainer",
        headline=3,
    ),
    Metric(name="entropy/sequence", title="Entropy of a reply", unit="nat/sequence", aliases=("objective/entropy",)),
    Metric(
        name="completions/mean_length",
        title="Completion length",
        unit="token",
        aliases=("completion_length", "tokens/responses_len_mean", "ppo/rollout/length_mean"),
        expected_in=_GROUPED,
        headline=4,
    ),
    Metric(name="completions/min_length", title="Shortest completion", unit="token"),
    Metric(name="completions/max_length", title="Longest completion", unit="token"),
    Metric(
        name="completions/clipped_ratio",
        title="Truncated share",
        direction=Direction.DOWN,
        bands=_same(Band(0.0, 0.3, "RLDK rule truncation"), _GROUPED),
        expected_in=_GROUPED,
        note="replies cut at max_completion_length, not the clipping of the policy ratio",
        to_log="GRPO and RLOO log it from trl 0.18 on; PPO and Online DPO do not",
        headline=5,
    ),
    Metric(
        name="frac_reward_zero_std",
        title="Groups without signal",
        direction=Direction.DOWN,
        bands=_same(Band(0.0, 0.5, "RLDK rule zero-variance-groups"), _GROUPED),
        expected_in=_GROUPED,
        note="share of groups in which every reply scored the same: they teach nothing",
        to_log="GRPO and RLOO log it from trl 0.18 on",
        headline=6,
    ),
    Metric(
        name="grad_norm",
        title="Gradient norm",
        aliases=("ppo/policy/grad_norm",),
        expected_in=frozenset(Algorithm) - {Algorithm.PPO},
        note="of the last step before the log only, measured before clipping",
        to_log="TRL's PPO never logs it; every other trainer does",
        headline=7,
    ),
    Metric(
        name="loss",
        title="Loss",
        aliases=("ppo/loss/total",),
        expected_in=frozenset(Algorithm) - {Algorithm.PPO},
        note="about 0 is normal in GRPO and RLOO; a NaN loss is logged as 0.0 unless logging_nan_inf_filter=False",
        headline=9,
    ),
    Metric(
        name="learning_rate",
        title="Learning rate",
        aliases=("lr", "ppo/learning_rate"),
        expected_in=frozenset(Algorithm),
        headline=10,
    ),
    Metric(name="policy_loss", title="Policy loss", aliases=("loss/policy_avg", "ppo/loss/policy", "ppo/policy/policy_loss")),
    Metric(
        name="value_loss",
        title="Value loss",
        direction=Direction.DOWN,
        aliases=("loss/value_avg", "ppo/loss/value", "ppo/val/value_loss"),
        expected_in=frozenset({Algorithm.PPO}),
        headline=8,
    ),
    Metric(name="value_policy_loss", title="Policy loss of the value step", aliases=("ppo/val/policy_loss",)),
    Metric(
        name="approx_kl",
        title="KL of one update",
        unit="nat²/token",
        aliases=("policy/approxkl_avg", "ppo/policy/approxkl"),
        bands=MappingProxyType({Algorithm.PPO: Band(0.0, 0.03, "Spinning Up: 1.5 × target_kl 0.02")}),
        expected_in=frozenset({Algorithm.PPO}),
        note="half the squared change of the log-probability, padding included: a lower bound",
        headline=5,
    ),
    Metric(
        name="clip_fraction",
        title="Clipped by the trust region",
        aliases=("policy/clipfrac_avg", "clip_ratio/region_mean", "clip_ratio", "ppo/policy/clipfrac"),
        bands=_same(Band(0.0, 0.3, "RLDK rule clip-fraction-high"), _GROUPED | {Algorithm.PPO}),
        expected_in=_GROUPED | {Algorithm.PPO},
        note="always 0 when strictly on-policy (num_iterations=1), which is GRPO's default",
        headline=6,
    ),
    Metric(name="value_clip_fraction", title="Value clipped", aliases=("val/clipfrac_avg", "ppo/val/clipfrac")),
    Metric(
        name="policy_ratio",
        title="Policy ratio",
        aliases=("val/ratio",),
        bands=MappingProxyType({Algorithm.PPO: Band(0.8, 1.25, "TRL's PPO guide")}),
        expected_in=frozenset({Algorithm.PPO}),
    ),
    Metric(name="policy_ratio_var", title="Policy ratio variance", aliases=("val/ratio_var",)),
    Metric(name="explained_variance", title="Explained variance", direction=Direction.UP, aliases=("ppo/val/var_explained",)),
    Metric(name="rlhf_reward", title="Reward minus KL penalty", direction=Direction.UP, aliases=("objective/rlhf_reward",)),
    Metric(name="kl_penalty", title="KL penalty", aliases=("objective/non_score_reward", "ppo/mean_non_score_reward")),
    Metric(name="kl_coef", title="KL coefficient", aliases=("objective/kl_coef",)),
    Metric(
        name="rewards/margins",
        title="Reward margin",
        direction=Direction.UP,
        expected_in=_PAIRED,
        headline=1,
    ),
    Metric(
        name="margin",
        title="Reward margin",
        direction=Direction.UP,
        expected_in=frozenset({Algorithm.REWARD}),
        headline=1,
    ),
    Metric(
        name="accuracy",
        title="Accuracy",
        direction=Direction.UP,
        expected_in=frozenset({Algorithm.REWARD}),
        note="a NaN margin is logged as accuracy 0, not NaN",
        headline=2,
    ),
    Metric(
        name="rewards/accuracies",
        title="Preference accuracy",
        direction=Direction.UP,
        expected_in=frozenset({Algorithm.DPO, Algorithm.ONLINE_DPO}),
        note="a NaN margin is logged as accuracy 0, not NaN",
        headline=2,
    ),
    Metric(name="rewards/chosen", title="Implicit reward, chosen", expected_in=_PAIRED, headline=4),
    Metric(name="rewards/rejected", title="Implicit reward, rejected", expected_in=_PAIRED, headline=5),
    Metric(name="logps/chosen", title="Log-probability, chosen", unit="nat/sequence", expected_in=_PAIRED, headline=6),
    Metric(name="logps/rejected", title="Log-probability, rejected", unit="nat/sequence", expected_in=_PAIRED, headline=11),
    Metric(name="logits/chosen", title="Logits, chosen"),
    Metric(name="logits/rejected", title="Logits, rejected"),
    Metric(
        name="mean_token_accuracy",
        title="Token accuracy",
        direction=Direction.UP,
        expected_in=frozenset({Algorithm.SFT}),
        headline=4,
    ),
    Metric(name="min_reward", title="Lowest reward", aliases=("ppo/rewards/min",)),
    Metric(name="max_reward", title="Highest reward", aliases=("ppo/rewards/max",)),
    Metric(name="num_tokens", title="Tokens seen", unit="token", note="restarts at 0 on resume in SFT, DPO, KTO and Reward"),
    Metric(name="step_time", title="Step time", unit="s", note="generation, forward and backward; not optimizer, eval or save"),
    Metric(name="episode", title="Episodes"),
    Metric(name="eps", title="Episodes a second", unit="1/s"),
    Metric(name="epoch", title="Epoch"),
    Metric(name="val/num_eos_tokens", title="Replies that ended", note="a count on one rank, not a share"),
    Metric(name="sampling/sampling_logp_difference/mean", title="Sampler–trainer gap", unit="nat"),
    Metric(name="train_runtime", title="Training time", unit="s"),
)

_BY_NAME: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in CATALOGUE})
_ALIASES: Mapping[str, str] = MappingProxyType(
    {alias: metric.name for metric in CATALOGUE for alias in (metric.name, *metric.aliases)}
)
_PREFERENCE_REWARDS = frozenset({"chosen", "rejected", "margins", "accuracies"})
_LEGACY_REWARD = re.compile(r"rewards/[^/]+")


@lru_cache(maxsize=100_000)
def canonical(key: str) -> str:
    """The catalogue's name for a trainer's key, or the key itself.

    `rewards/<function>` of GRPO before 0.18 becomes `rewards/<function>/mean`, as it is called since.
    """
    known = _ALIASES.get(key)
    if known is not None:
        return known
    if _LEGACY_REWARD.fullmatch(key) and key.removeprefix("rewards/") not in _PREFERENCE_REWARDS:
        return f"{key}/mean"
    return key


def lookup(name: str) -> Metric:
    """The catalogue's row for a canonical name, with or without an `eval/` prefix; a bare row for an unknown one."""
    row = _BY_NAME.get(name.removeprefix("eval/"))
    if row is None:
        return Metric(name=name, title=name)
    return row


def title(name: str) -> str:
    """What a chart calls this metric."""
    return f"{lookup(name).title} (eval)" if name.startswith("eval/") else lookup(name).title


_TELLING: tuple[tuple[frozenset[str], Algorithm], ...] = (
    (frozenset({"objective/scores_margin"}), Algorithm.ONLINE_DPO),
    (frozenset({"policy/approxkl_avg", "objective/scores"}), Algorithm.PPO),
    (frozenset({"ppo/policy/approxkl"}), Algorithm.PPO),
    (frozenset({"rewards/margins", "rewards/accuracies"}), Algorithm.DPO),
    (frozenset({"accuracy", "margin"}), Algorithm.REWARD),
    (frozenset({"kl", "logps/chosen"}), Algorithm.KTO),
)


def algorithm_from_keys(keys: frozenset[str]) -> Algorithm | None:
    """The trainer that logs this set of keys, where the set is telling.

    GRPO and RLOO log the same keys with different meanings, so neither is guessed.
    """
    return next((algorithm for telling, algorithm in _TELLING if telling <= keys), None)


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


def algorithm_from_trainer(trainer: str) -> Algorithm | None:
    """The algorithm of a trainer or config class by its name: `GRPOTrainer`, `RLOOConfig`, `reward-trainer`, `grpo`."""
    plain = trainer.lower().replace("-", "").replace("_", "")
    name = plain.removesuffix("trainer").removesuffix("config")
    names = {algorithm.value.replace("_", ""): algorithm for algorithm in Algorithm}
    return names.get(name) or {"ppov2": Algorithm.PPO, "rm": Algorithm.REWARD}.get(name)
