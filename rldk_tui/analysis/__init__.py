"""Numbers out of a run that are no metric of the trainer: what can be measured on sampled texts and their rewards.

`samples` measures each step's generations for the rules, `generations` each single one for people. Floor: beside `ingest`,
above `run`.
"""

from rldk_tui.analysis.gathered import Gathered
from rldk_tui.analysis.reward_record import RewardAccount, RewardRecord
from rldk_tui.analysis.samples import with_samples

__all__ = ["Gathered", "RewardAccount", "RewardRecord", "with_samples"]
