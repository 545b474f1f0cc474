"""How far one update moved the policy, and whether that was many tokens or one.

The numbers PPO logs of an update are means: a single token whose probability was almost 0 makes them huge. The clipped share
tells the two apart, for it counts tokens and does not weigh them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.beside import last_known
from rldk_tui.diagnosis.blame import RatePast, cause, lower_learning_rate, set_to
from rldk_tui.diagnosis.rule import Episode
from rldk_tui.events import Advice, Algorithm
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import Bools

__all__ = ["RatePast", "broad", "of_ppo", "smaller_updates", "why"]

MANY = 0.1
"""Share of clipped tokens from which on an update moved the policy as a whole."""


def of_ppo(info: RunInfo) -> str | None:
    """Why a rule about what PPO logs of its updates is not for this run; None if it is."""
    return None if info.algorithm in (None, Algorithm.PPO) else "only PPO logs this of its updates"


def broad(rows: Rows, at: NDArray[np.intp], before: float) -> tuple[Bools, float]:
    """Whether many tokens were clipped at each row, or nothing tells; and the last clipped share."""
    clipped, latest = last_known(rows, at, "clip_fraction", before)
    return ~(clipped < MANY), latest


def why(episode: Episode, info: RunInfo) -> str:
    """The cause of updates too large: the learning rate on evidence, else what is known of all."""
    return cause(episode, info) or (
        "Each update moves the policy further than the sampled replies can vouch for: its step is too large, or it makes too "
        "many passes over them."
    )


def smaller_updates(episode: Episode, info: RunInfo) -> tuple[Advice, ...]:
    """What makes PPO's updates smaller."""
    passes = info.setting("num_ppo_epochs")
    fewer = f"{max(1, round(passes / 2)):g}" if passes else "1"
    once = passes is not None and passes <= 1
    again = () if once else (set_to(info, "num_ppo_epochs", "Make fewer passes over each batch", fewer, current=passes),)
    return lower_learning_rate(episode, info), *again
