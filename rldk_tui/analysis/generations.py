"""What a sampled completion looks like, by measures that need no model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rldk_tui.events import Algorithm, Completion, Completions

_LONGEST = 200_000
"""Characters of a text that are measured; the rest would change no ranking."""


@dataclass(frozen=True, slots=True)
class MeasuredCompletion:
    """A completion with what was measured on it.

    Attributes:
        reward: The sum over the reward functions that scored it; None if none did.
        words: Words separated by white space.
        repetition: seq-rep-4, the share of repeated 4-grams of words (0 to 1); None below four words.
    """

    completion: Completion
    reward: float | None
    words: int
    repetition: float | None


def why_none(algorithm: Algorithm | None) -> str | None:
    """Why a run of this trainer has no generations on record; None if there are none to have."""
    if algorithm in (Algorithm.SFT, Algorithm.DPO, Algorithm.KTO, Algorithm.REWARD):
        return None
    if algorithm is Algorithm.PPO:
        return "No generations were logged: PPO writes them to no file; call `RLDKCallback.attach(trainer)` before training."
    if algorithm in (Algorithm.RLOO, Algorithm.ONLINE_DPO):
        return (
            "No generations were logged: this trainer of TRL writes them to no file; call `RLDKCallback.attach(trainer)` "
            "(RLOO) or wrap a reward function with `wrap_reward`."
        )
    return (
        "No generations were logged, so nobody can see what the model writes: call `RLDKCallback.attach(trainer)`, "
        "or set `log_completions=True` in the config."
    )


def repetition(words: list[str], n: int = 4) -> float | None:
    """seq-rep-n: 1 − distinct n-grams ÷ n-grams (Welleck et al., "Neural Text Generation with Unlikelihood Training").

    None for a text shorter than one n-gram.
    """
    total = len(words) - n + 1
    if total < 1:
        return None
    return 1.0 - len(set(zip(*(words[start:] for start in range(n)), strict=False))) / total


def total_reward(completion: Completion) -> float | None:
    """The sum over the reward functions that scored it, as TRL adds them up with equal weights; None if none did."""
    return completion.total_reward


def measure(completions: Completions) -> tuple[MeasuredCompletion, ...]:
    """Every row of one log with its measures, in the log's order."""
    return tuple(_measured(row) for row in completions.rows)


def worst_first(measured: Iterable[MeasuredCompletion]) -> tuple[MeasuredCompletion, ...]:
    """The lowest reward first; what nobody could score comes before everything."""
    return tuple(sorted(measured, key=lambda row: -float("inf") if row.reward is None else row.reward))


def _measured(completion: Completion) -> MeasuredCompletion:
    words = completion.completion[:_LONGEST].split()
    return MeasuredCompletion(completion, total_reward(completion), len(words), repetition(words))
