"""Can this reward be trusted? A rolling window of rewards, judged by its stability, consistency, variance and shape.

`integrator` is the door, `watch` what it asks; `window` holds what the others look at; `stability`, `consistency`, `variance`,
`patterns` and `anomalies` each measure one thing, `advice` says what to change. `reward_model` judges a reward model by its
pairs.
"""

from rldk_tui.analysis.rewards.integrator import RewardModelIntegrator, RewardReliability
from rldk_tui.analysis.rewards.reward_model import RewardModelQuality, judge_pairs, scored_range

__all__ = ["RewardModelIntegrator", "RewardModelQuality", "RewardReliability", "judge_pairs", "scored_range"]
