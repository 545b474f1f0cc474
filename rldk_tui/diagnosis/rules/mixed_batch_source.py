"""The reward stepped where the data changed.

What it means
    The reward took a step at the border of an epoch and stayed there. It is most likely other data and no learning, so
    neither praise nor alarm: compare the reward before and after with care.

Why it happens
    The dataset is sorted or was put together from parts of unlike difficulty, a curriculum moves on, or the second epoch shows
    prompts that the policy has learned from already.

What to do
    Shuffle the dataset if no curriculum is meant (`shuffle_dataset=True`). Judge progress by an evaluation on a fixed set of
    prompts, which no change of the data can move.

Where the limit comes from
    Catalogue: a change point of the reward at one of the epoch. TRL's training FAQ says that the reward of a
    batch depends on its prompts more than on the policy. The ten logs after the border must differ from the ten before by more
    than all twenty before differ among themselves, and by 4 times their noise. Epochs of fewer than 50 logs are left out:
    their borders lie near everything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.beside import last_known
from rldk_tui.diagnosis.epochs import LONG
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.spread import TO_SIGMA, median_deviation
from rldk_tui.statistics.windows import NOTHING_YET, Floats, median, windows


@dataclass(frozen=True, slots=True)
class Limits:
    """A step of the reward; see the manual for the source.

    Attributes:
        logs: Logs on each side of the border that are compared; as many again before them tell what is usual.
        noise: Multiples of the noise that the step must exceed, and `floor` of the reward's own size.
    """

    logs: int = 10
    noise: float = 4.0
    floor: float = 0.05


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: the last rewards, the last epoch, and how many logs ago the last long epoch ended."""

    rewards: Floats = field(default_factory=lambda: NOTHING_YET)
    epoch: float = math.nan
    in_epoch: int = 0
    since: int = -1


def applies(info: RunInfo) -> str | None:
    """Trainers whose reward depends on the prompts."""
    return None if info.algorithm is None or info.algorithm in ONLINE else "this trainer samples no replies"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The reward before and after each border of a long epoch."""
    limits: Limits = context.limits
    at, rewards = finite_rows(rows, "reward")
    epochs, latest = last_known(rows, at, "epoch", past.epoch)
    since, in_epoch = _since_border(np.ceil(epochs), np.ceil(past.epoch), past)
    view, kept = windows(rewards, past.rewards, 3 * limits.logs)
    due = np.flatnonzero((since == limits.logs - 1) & ~np.isnan(view).any(axis=1))
    level, step = np.zeros(at.size, np.int8), np.full(at.size, np.nan)
    before, after = np.full(at.size, np.nan), np.full(at.size, np.nan)
    if due.size:
        stepped, before[due], after[due] = _stepped(view[due], limits)
        level[due[stepped]] = Severity.INFO.rank
        step[due] = after[due] - before[due]
    last = int(since[-1]) if at.size else past.since
    return Verdict(
        at=at,
        breach=since == 0,
        level=level,
        value=step,
        limit=np.full(at.size, np.nan),
        past=Past(kept, latest, in_epoch, last),
        facts={"before": before, "after": after, "epoch": np.ceil(epochs)},
    )


def _since_border(number: Floats, before: float, past: Past) -> tuple[NDArray[np.intp], int]:
    """Logs since the border of the last epoch if that one was long, else -1; and the logs of the newest epoch."""
    place = np.arange(number.size)
    begins = np.flatnonzero(number > np.concatenate(([before], number))[:-1])
    carried = np.where(past.since < 0, -1, past.since + 1 + place)
    if not begins.size:
        return carried, past.in_epoch + number.size
    long = np.diff(np.concatenate(([-past.in_epoch], begins))) >= LONG
    which = np.searchsorted(begins, place, side="right") - 1
    inside = np.where(long[which], place - begins[which], -1)
    return np.where(which < 0, carried, inside), number.size - int(begins[-1])


def _stepped(view: Floats, limits: Limits) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Whether the last third of each window lies apart from the first two, and the medians before and after."""
    parts = view.reshape(-1, 3, limits.logs)
    earlier, before, after = median(parts[:, 0]), median(parts[:, 1]), median(parts[:, 2])
    noise = TO_SIGMA * median_deviation(parts[:, :2].reshape(-1, 2 * limits.logs))
    size = np.abs(after - before)
    usual = np.ptp(view[:, : 2 * limits.logs], axis=1)
    large = (size > limits.noise * noise) & (size > limits.floor * np.abs(before)) & (size > usual)
    return large & (size > 2 * np.abs(before - earlier)), before, after


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    facts = episode.facts
    mixed = context.info.config.get("shuffle_dataset") is False
    shuffle = Advice(text="Shuffle the dataset", parameter="shuffle_dataset", current=False, proposed="True")
    return Telling(
        summary=f"The reward stepped from {facts['before']:.3g} to {facts['after']:.3g} at step {episode.first_step}, where "
        f"epoch {facts['epoch']:.0f} began.",
        cause="Other prompts, most likely: the step came with the data and not with the policy.",
        advice=(*([shuffle] if mixed else []), Advice(text="Judge progress by an evaluation on a fixed set of prompts.")),
    )


RULE = RowRule(
    family=Family.REWARD,
    reads=("reward",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.logs,
    close_after=1,
    reopen_within=1,
    worst=lambda values: np.argmax(np.abs(values)),
    ceiling=Severity.INFO,
    adaptive=True,
)
