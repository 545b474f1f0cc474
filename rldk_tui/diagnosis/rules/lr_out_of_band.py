"""The learning rate is of the wrong order of magnitude.

What it means
    Every step moves the weights far too much, so that whatever the model knew is lost within a few dozen steps, or so little
    that the change is rounded away and training changes nothing. No other setting can make up for either.

Why it happens
    A rate taken over from pretraining or from training adapters, a slip of the exponent, a schedule that multiplies where it
    should decay, or a rate scaled with the number of devices.

What to do
    Set `learning_rate` explicitly: 1e-6 for reinforcement learning of all weights, 1e-5 to 1e-4 for adapters; models of some
    million parameters bear up to 1e-3. If the rate rose in the middle of the run, find what changed the schedule, and go on
    from the last checkpoint before.

Where the limit comes from
    Any size: Adam moves every weight by about the learning rate in each step, and the weights of a transformer have a
    standard deviation of about 0.02 (transformers' `initializer_range`), so from 5e-3 on every step is a quarter of a weight
    (warning), from 1e-2 on a half (high). Up to 1e-9 is half of the last digit of such a weight in float32.
    Where the number of parameters is known, the catalogue's bounds hold too: 1e-5 for reinforcement learning of all weights,
    5e-6 for DPO and KTO, ten to fifty times that for adapters and for what may be one (TRL's default is 1e-6); five times a
    bound is high. They speak of a billion parameters and more; smaller models bear the square root of the ratio more.
    Optimizers other than Adam's kin have other scales and are not judged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.beside import last_known
from rldk_tui.diagnosis.blame import BOUNDS, FAR, set_to, usual_rate
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.model_size import MOST_TRAINED, TRAINABLE, bears, named_size, sizes
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        any_size: Warning and high for a model of any size.
        all_weights: Bound of the sampling trainers and of the paired ones where all weights are trained.
        high: Multiples of the bound from which a rate is high.
        low: The highest rate so far at or below this changes nothing.
        settled: Logs in which that highest did not rise, after which it is the rate and no warm-up.
    """

    any_size: tuple[float, float] = (5e-3, 1e-2)
    all_weights: tuple[float, float] = (1e-5, 5e-6)
    high: float = FAR
    low: float = 1e-9
    settled: int = 10


LIMITS = Limits()
_ROUNDED = 1e-6
"""Share by which a rate that stands exactly at a limit may be logged below it: TensorBoard keeps single precision."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: the highest rate so far, whether it stood still lately, and the last measured sizes."""

    highest: float = 0.0
    still: Floats = field(default_factory=lambda: NOTHING_YET)
    total: float = math.nan
    trainable: float = math.nan


def applies(info: RunInfo) -> str | None:
    """Optimizers whose step is the learning rate itself."""
    optimizer = info.config.get("optim")
    if isinstance(optimizer, str) and "adam" not in optimizer.lower():
        return f"the optimizer {optimizer} has a scale of its own"
    return None


def _bounds(rows: Rows, at: NDArray[np.intp], past: Past, context: Context) -> tuple[Floats, Floats, float, float]:
    """Warning and high at each row, and the last sizes."""
    limits: Limits = context.limits
    size, total = sizes(rows, at, context.info, past.total)
    trained, trainable = last_known(rows, at, TRAINABLE, past.trainable)
    algorithm = context.info.algorithm
    adapters = math.nan if algorithm is None else BOUNDS.get(algorithm, math.nan)
    all_weights = limits.all_weights[0 if algorithm in ONLINE else 1]
    whole = trained >= MOST_TRAINED * size  # False where either is not known
    sized = bears(size) * np.where(whole & (adapters > 0.0), all_weights, adapters)
    warning, high = np.fmin(sized, limits.any_size[0]), np.fmin(limits.high * sized, limits.any_size[1])
    return warning, high, total, trainable


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The rate against what the model bears, and the highest rate against what changes anything."""
    limits: Limits = context.limits
    at, rates = finite_rows(rows, "learning_rate")
    warning, high, total, trainable = _bounds(rows, at, past, context)
    highest = np.maximum.accumulate(np.concatenate(([past.highest], rates)))
    above = np.where(warning < limits.any_size[0], rates > warning, rates > (1.0 - _ROUNDED) * warning)
    level = graded([rates > (1.0 - _ROUNDED) * high, above], [Severity.HIGH.rank, Severity.WARNING.rank])
    settled, still = m_of_n(highest[1:] <= highest[:-1], past.still, limits.settled, limits.settled)
    tiny = (highest[1:] > 0.0) & (highest[1:] <= (1.0 + _ROUNDED) * limits.low)
    level[settled & tiny] = Severity.HIGH.rank
    return Verdict(
        at=at,
        breach=above | tiny,
        level=level,
        value=np.where(tiny, highest[1:], rates),
        limit=np.where(tiny, limits.low, warning),
        past=Past(float(highest[-1]), still, total, trainable),
        facts={"before": highest[:-1]},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    rate = float(f"{episode.peak:.6g}")  # TensorBoard keeps single precision
    usual = usual_rate(info)
    if rate <= (1.0 + _ROUNDED) * limits.low:
        return Telling(
            summary=f"The learning rate never rose above {rate:.2g} (steps {episode.first_step}–{episode.last_step}); "
            f"up to {limits.low:.0e} nothing is learned.",
            cause="Updates this small are lost in the last digit of the weights.",
            advice=(set_to(info, "learning_rate", "Raise the learning rate", usual, current=rate),),
        )
    before = episode.facts.get("before", 0.0)
    jumped = 0.0 < before < rate / limits.high
    return Telling(
        summary=f"The learning rate reached {rate:.2g} at step {episode.peak_step}; {_whom(info, episode, limits)} "
        f"bears less than {episode.limit:.2g}.",
        cause=f"It rose from {before:.2g} at step {episode.first_step}: something changed the schedule."
        if jumped
        else "A rate like this overwrites what the model knew faster than it can learn.",
        advice=(set_to(info, "learning_rate", "Lower the learning rate", f"{before:.2g}" if jumped else usual, current=rate),),
    )


def _whom(info: RunInfo, episode: Episode, limits: Limits) -> str:
    """What the limit speaks of."""
    if episode.limit >= limits.any_size[0]:
        return "a model of any size"
    size = named_size(info)
    return "a model of this size" if math.isnan(size) else f"a model of {size / 1e9:.2g} billion parameters"


RULE = RowRule(
    family=Family.OPTIMIZER,
    reads=("learning_rate",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.settled + 1,
    ceiling=Severity.HIGH,
    explained_by=("lr-jump",),
)
