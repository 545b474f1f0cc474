"""KL to the reference, in the unit of the trainer that logged it.

GRPO and RLOO log nats a token, PPO logs nats a whole reply; one limit for both would be wrong. What PPO's number means for a
token is known only with the length of the replies.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.beside import of_grouped_trainer
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context
from rldk_tui.events import Advice, Algorithm
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import Floats

LONGEST_FIRST_WINDOW = 5
"""Steps a first log may stand for and still tell how training began: the catalogue's guard of kl-nonzero-at-start."""
AT_START = {Algorithm.PPO: 0.5}
AT_START_TOKEN = 0.01
"""KL beyond which the reference is not the policy that training began from: nat/token, PPO nat/sequence (catalogue;
bfloat16 alone gives 1e-5 to 1e-4)."""


def against_reference(info: RunInfo) -> str | None:
    """Why a rule about the KL of sampled replies is not for this run; None if it is."""
    if info.algorithm in (None, Algorithm.PPO, *GROUPED):
        return None
    return "this trainer's KL is no distance of sampled replies from the reference"


def kl_rows(rows: Rows, context: Context) -> tuple[NDArray[np.intp], Floats]:
    """The rows whose KL has a known unit, and their KL in that unit."""
    at, kl = finite_rows(rows, "kl")
    if context.info.algorithm is None:
        known = of_grouped_trainer(rows, at, context.info)
        return at[known], kl[known]
    return at, kl


def start_limit(info: RunInfo) -> float:
    """The KL of a first log beyond which the reference is another policy."""
    return AT_START_TOKEN if info.algorithm is None else AT_START.get(info.algorithm, AT_START_TOKEN)


def tells_the_start(step: int, info: RunInfo) -> bool:
    """Whether a launch's first log at this step tells how training began: not resumed, and not a mean of many steps."""
    every = info.setting("logging_steps")
    usual = every if every is not None and every >= 1 and info.algorithm is not Algorithm.PPO else LONGEST_FIRST_WINDOW
    return info.first_step == 0 and step <= min(usual, LONGEST_FIRST_WINDOW)


def offset(rows: Rows, at: NDArray[np.intp], values: Floats, past: float, info: RunInfo) -> float:
    """What a wrong reference adds from the first log on: its KL, if it tells how training began; NaN before that log."""
    if not math.isnan(past) or not at.size:
        return past
    wrong = tells_the_start(int(rows.steps[at[0]]), info) and values[0] > start_limit(info)
    return float(values[0]) if wrong else 0.0


def unit(info: RunInfo) -> str:
    """The unit, for people."""
    return "nat/sequence" if info.algorithm is Algorithm.PPO else "nat/token"


def raise_penalty(info: RunInfo) -> Advice:
    """A stronger pull to the reference: twice today's coefficient, and no less than the catalogue's value."""
    parameter = "kl_coef" if info.algorithm is Algorithm.PPO else "beta"
    today = info.setting(parameter)
    proposed = f"{max(2 * (today or 0.0), 0.01 if info.algorithm is Algorithm.GRPO else 0.1):.2g}"
    return set_to(info, parameter, "Pull harder towards the reference model", proposed, current=today)
