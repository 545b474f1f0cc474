"""Is a reward model any good? Judged by the scores it gives pairs whose better reply is known.

Limits are the catalogue's: a calibration error of 0.08 or more with the lower end of its interval above it too, on 500 pairs; a
rank correlation of length and score of 0.3 with a lower end of 0.15, on 300; an accuracy whose interval reaches one half; an
upper end below 0.55 after 400 pairs is a coin; scores more than 10 apart in one pair of ten.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from rldk_tui.analysis.rewards.given import RewardInputError, numbers
from rldk_tui.charts.format import number, percent
from rldk_tui.events import SUBFOLDER, Advice, Measured, decode_line
from rldk_tui.statistics.pairs import PairScores, pair_scores

MISCALIBRATED, ENOUGH_PAIRS = 0.08, 500
LENGTH_BIASED, LENGTH_BIASED_LOW, ENOUGH_LENGTHS = 0.3, 0.15, 300
AT_CHANCE, ENOUGH_FOR_CHANCE = 0.55, 400
MANY_FAR_APART = 0.1
NOISY = 0.1
_LARGEST_LOG = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardModelQuality:
    """What the pairs tell.

    Attributes:
        scores: The numbers, with their intervals.
        claims: What they are enough to say, one sentence each; empty where nothing is wrong or there are too few pairs.
        recommendations: What to change.
    """

    scores: PairScores
    claims: tuple[str, ...]
    recommendations: tuple[Advice, ...]


def judge_pairs(chosen: Any, rejected: Any, chosen_lengths: Any = None, rejected_lengths: Any = None) -> RewardModelQuality:
    """Accuracy, margins, calibration, length bias, saturation and label noise, from scores alone.

    Args:
        chosen: The score of the better reply of each pair, n numbers; None or NaN where there is none. Give pairs that the
            model was not trained on: on its training pairs it only shows what it remembers.
        rejected: The score of the other reply, likewise.
        chosen_lengths: Of the replies, n numbers in any unit; length bias is not measured without.
        rejected_lengths: Likewise.

    Raises:
        RewardInputError: a ValueError, if these are no lists of numbers, or not equally long.
    """
    given = {"chosen": numbers(chosen, "chosen"), "rejected": numbers(rejected, "rejected")}
    size = given["chosen"].size
    for name, lengths in (("chosen_lengths", chosen_lengths), ("rejected_lengths", rejected_lengths)):
        given[name] = np.full(size, math.nan) if lengths is None else numbers(lengths, name)
    for name, values in given.items():
        if values.size != size:
            raise RewardInputError(f"{name} holds {values.size} and chosen {size}.", "Give one of each a pair.")
    scores = pair_scores(**given)
    told = [_accuracy(scores), _calibration(scores), _length(scores), _far_apart(scores), _noise(scores)]
    found = [one for one in told if one is not None]
    return RewardModelQuality(
        scores=scores,
        claims=tuple(claim for claim, _ in found),
        recommendations=tuple(dict.fromkeys(advice for _, advice in found)),
    )


def scored_range(run: str | Path) -> tuple[float, float] | None:
    """The lowest and highest score (0.1 % and 99.9 % quantiles) that a reward model gave its newest evaluation pairs.

    Args:
        run: The directory of the reward model's training, which `RLDKCallback` watched with the trainer attached.

    Returns:
        None if its log does not tell.

    Raises:
        RewardInputError: if there is no log to read.
    """
    folder = Path(run) / SUBFOLDER
    newest: tuple[int, tuple[float, float]] | None = None
    try:
        logs = sorted(log for log in folder.glob("events-*.jsonl") if log.stat().st_size <= _LARGEST_LOG)
        lines = [line for log in logs for line in log.read_bytes().splitlines() if b"samples/rm_score_low" in line]
    except OSError as failure:
        raise RewardInputError(
            f"{folder} cannot be read: {failure.strerror}.", "Give the reward model's run directory."
        ) from None
    if not logs:
        raise RewardInputError(f"{folder} holds no event log.", "Train the reward model with RLDKCallback(trainer=...).")
    for line in lines:
        found = _range_in(line)
        if found is not None and (newest is None or found[0] >= newest[0]):
            newest = found
    return None if newest is None else newest[1]


def _range_in(line: bytes) -> tuple[int, tuple[float, float]] | None:
    try:
        event = decode_line(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(event, Measured):
        return None
    low, high = event.values.get("samples/rm_score_low"), event.values.get("samples/rm_score_high")
    if low is None or high is None or not low <= high:
        return None
    return event.step, (low, high)


def _accuracy(scores: PairScores) -> tuple[str, Advice] | None:
    if scores.pairs < ENOUGH_FOR_CHANCE or not scores.accuracy_high < AT_CHANCE:
        return None
    return (
        f"It ranks {percent(scores.accuracy)} of {scores.pairs} pairs rightly, no more than a coin.",
        Advice(
            text="Print ten pairs after the chat template and truncation; if they are right, let it learn more",
            parameter="learning_rate",
            proposed="1e-05",
        ),
    )


def _calibration(scores: PairScores) -> tuple[str, Advice] | None:
    found = scores.calibration
    if scores.pairs < ENOUGH_PAIRS or not (found.error > MISCALIBRATED and found.low > MISCALIBRATED):
        return None
    too = "too far apart" if found.overconfidence > 0 else "too close together"
    claim = (
        f"Claims and facts lie {number(found.error)} apart (at least {number(found.low)}, {scores.pairs} pairs): "
        f"scores lie {too}."
    )
    if found.overconfidence > 0:
        return claim, Advice(
            text="Divide the scores by a temperature fitted on these pairs, and hold them together in the next training",
            parameter="center_rewards_coefficient",
            proposed="0.01",
        )
    return claim, Advice(text="Let it learn on, or multiply the scores by a fitted factor", parameter="num_train_epochs")


def _length(scores: PairScores) -> tuple[str, Advice] | None:
    bias = scores.length_bias
    if scores.pairs < ENOUGH_LENGTHS or not (bias.rho > LENGTH_BIASED and bias.low > LENGTH_BIASED_LOW):
        return None
    return (
        f"Longer replies score higher whatever their label: rank correlation {number(bias.rho)} (at least {number(bias.low)}).",
        Advice(
            text="Balance the pairs, so that the chosen reply is as often the shorter one, or subtract a fitted length term",
            parameter="train_dataset",
        ),
    )


def _far_apart(scores: PairScores) -> tuple[str, Advice] | None:
    if not scores.far_apart > MANY_FAR_APART or scores.pairs < ENOUGH_LENGTHS:
        return None
    return (
        f"In {percent(scores.far_apart)} of the pairs the scores lie more than 10 apart: claims of 22,000 to 1.",
        Advice(text="Hold the scores together", parameter="center_rewards_coefficient", proposed="0.01"),
    )


def _noise(scores: PairScores) -> tuple[str, Advice] | None:
    if scores.pairs < ENOUGH_PAIRS or not scores.label_noise > NOISY:
        return None
    return (
        f"Even of the tenth it is surest of, {percent(scores.label_noise)} are wrong (at most "
        f"{percent(scores.label_noise_high)}): the labels, or its certainty.",
        Advice(text="Label those pairs anew, and leave out what two people do not agree on", parameter="train_dataset"),
    )
