"""Numbers out of a run that are no metric of the trainer: what can be measured on sampled texts and their rewards.

`samples` measures each step's generations for the rules, `generations` each single one for people. Floor: beside `ingest`,
above `run`.
"""

from rldk_tui.analysis.paying_phrases import PhraseSearch
from rldk_tui.analysis.samples import with_samples

__all__ = ["PhraseSearch", "with_samples"]
