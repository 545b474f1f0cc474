"""What a step's generations measure: columns of the step's row under `samples/`, so that rules and charts read them.

Every measure of a step depends on that step's generations alone, so it does not matter when or in what pieces they arrive. Two
do not: which phrase the reward pays for (`paying_phrases.py`), and what is no text (`gibberish.py`), are told by all batches up
to the step, in their order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rldk_tui.analysis.characters import unprintable_and_script
from rldk_tui.analysis.gathered import Gathered
from rldk_tui.analysis.generations import total_reward
from rldk_tui.analysis.gibberish import DISORDER, sampled
from rldk_tui.analysis.length_reward import length_reward
from rldk_tui.analysis.likeness import distinct_2, marks, similarity, unique_share
from rldk_tui.analysis.paying_phrases import Batch, PayingPhrase
from rldk_tui.analysis.reward_shape import advantage_shape, near_ties, numbers, reward_shape
from rldk_tui.analysis.reward_variance import reward_variance
from rldk_tui.analysis.text_health import LONGEST, TextHealth, healths
from rldk_tui.events import Completion, Completions, Measured, Origin, Phase
from rldk_tui.statistics.windows import Floats

MOST_LOOKED_AT = 128
"""Replies of a step that the costly measures look at (loops by compression and 4-grams, distinct pairs of words, likeness); of
a larger step these are an even sample of its rows."""
_NAMED = 4
_SAYS_NOTHING = 2
"""Tokens up to which a reply says nothing: the end token counts as one."""
_OF_WORDS = tuple(
    f"samples/{name}"
    for name in ("repeating", "special_tokens", "script_mismatch", "unprintable", "similarity_across_prompts", "distinct_2")
)
_OF_LENGTH = ("samples/empty", "samples/length_")
_ROUNDING = 1e-12
"""Share of a number by which it may differ from a mean of numbers like it."""

Rows = Sequence[Completion]
AnyEvent = TypeVar("AnyEvent")


def with_samples(
    events: Iterable[tuple[AnyEvent, Origin]], gathered: Gathered | None = None
) -> Iterator[tuple[AnyEvent | Measured, Origin]]:
    """The events, and after each step's training generations what they measure.

    Args:
        events: in the order of the training.
        gathered: What was gathered over earlier events; None where there were none.
    """
    known = Gathered() if gathered is None else gathered
    for event, origin in events:
        yield event, origin
        if isinstance(event, Completions) and event.phase is Phase.TRAIN and event.rows:
            yield measure(event, known), origin


def measure(event: Completions, gathered: Gathered | None = None) -> Measured:
    """The measures of one step's generations; one that cannot be taken of them is left out.

    Args:
        event: the generations.
        gathered: What was gathered over earlier steps, to which this one is added; None for the measures of one step alone.
    """
    rows = event.rows
    looked_at = _looked_at(len(rows))
    texts = healths([row.completion for row in rows], set(looked_at))
    words = marks([texts[index].words for index in looked_at])
    rewards, advantages = numbers(total_reward(row) for row in rows), numbers(row.advantage for row in rows)
    groups = _groups(rows)
    group_of = _group_of(groups, len(rows))
    lengths = np.array([_length(row, text) for row, text in zip(rows, texts, strict=True)], np.float64)
    standing = _standing(rewards, advantages)
    flags = _flags(rows, texts, rewards)
    unprinted = np.array([text.unprintable for text in texts], np.float64)
    values: dict[str, float | None] = {
        **_prompts(rows, groups),
        **{name: float(np.mean(badness > 0)) for name, badness in flags.items()},
        "samples/repeating": float(np.mean(flags["samples/repeating"][looked_at] > 0)),
        "samples/unprintable": float(unprinted.sum()) / max(1, sum(text.characters for text in texts)),
        "samples/unique_in_group": _mean([unique_share([rows[index].completion for index in group]) for group in groups]),
        "samples/similarity_across_prompts": similarity([rows[index].prompt for index in looked_at], words),
        "samples/distinct_2": distinct_2(words),
        "samples/length_mean": float(lengths.mean()),
        **_length_and_reward(lengths, standing, rewards, group_of),
        **reward_shape(rewards),
        **reward_variance(rewards, groups),
        **advantage_shape(advantages, rewards, groups),
        "samples/near_ties": near_ties([rewards[group] for group in groups]),
    }
    worst = {
        **flags,
        "samples/unprintable": unprinted,
        "samples/reward_extreme": _far(rewards),
        "samples/length_reward_z": _long_and_paid(lengths, standing, group_of),
    }
    kept = {name: value for name, value in values.items() if value is not None and math.isfinite(value)}
    if not any(row.rewards for row in rows):  # nothing says that anybody scores them: a distillation, a table without rewards
        del kept["samples/unscored"]
    if event.without_text:
        kept = _without_text(kept, rows)
    named = {name: _worst(event.step, badness) for name, badness in worst.items() if name in kept and (badness > 0).any()}
    if gathered is not None and not event.without_text:
        mark = values["samples/batch_mark"] or 0.0
        kept.update(_gibberish(event, mark, gathered, named))
        if groups:
            batch = Batch(
                mark=mark,
                prompts=[row.prompt for row in rows],
                replies=[row.completion for row in rows],
                words=[text.words for text in texts],
                standing=standing,
                rewards=rewards,
                groups=groups,
            )
            kept.update(_phrase(event.step, batch, gathered, named))
    return Measured(time=event.time, step=event.step, values=dict(kept), named=named)


def _gibberish(event: Completions, mark: float, gathered: Gathered, named: dict[str, tuple[str, ...]]) -> dict[str, float]:
    """The share of replies that are no text, of those that could be judged; and names their rows."""
    looked_at = sampled(len(event.rows))
    rows = [event.rows[index] for index in looked_at]
    disorder = gathered.text.add(mark, list(dict.fromkeys(row.prompt for row in rows)), [row.completion for row in rows])
    judged = ~np.isnan(disorder)
    if not judged.any():
        return {}
    badness = np.zeros(len(event.rows))
    badness[looked_at] = np.where(disorder > DISORDER, disorder, 0.0)
    if (badness > 0).any():
        named["samples/gibberish"] = _worst(event.step, badness)
    return {"samples/gibberish": float(np.mean(disorder[judged] > DISORDER))}


def _phrase(step: int, batch: Batch, gathered: Gathered, named: dict[str, tuple[str, ...]]) -> dict[str, float]:
    """What one phrase explains of the reward, and names it and its rows; nothing where it was not looked for."""
    examined = gathered.phrases.add(batch)
    if examined is None:
        return {}
    told: PayingPhrase | None = examined.phrase
    if told is None:
        return {"samples/phrase_explained": 0.0}
    named["samples/phrase_explained"] = (told.phrase,)
    named["samples/phrase_share"] = tuple(f"{step}/{row}" for row in told.rows)
    return {
        "samples/phrase_explained": told.explained,
        "samples/phrase_effect": told.effect,
        "samples/phrase_share": told.share,
        "samples/phrase_share_before": told.before,
        "samples/phrase_mark": told.mark,
    }


def _looked_at(count: int) -> list[int]:
    """The rows for the costly measures, spread evenly: as the replies to a prompt lie together, each prompt has its share."""
    places: list[int] = np.unique(np.linspace(0, count - 1, min(count, MOST_LOOKED_AT)).astype(int)).tolist()
    return places


def _without_text(values: dict[str, float], rows: Rows) -> dict[str, float]:
    """The measures that need no words: who answered what is known by marks, how long by tokens where they were counted."""
    counted = all(row.length is not None for row in rows)
    hidden = _OF_WORDS if counted else (*_OF_WORDS, *_OF_LENGTH)
    return {name: value for name, value in values.items() if not name.startswith(hidden)}


def _length(row: Completion, text: TextHealth) -> float:
    """In tokens where the trainer says so, else in words."""
    return float(text.word_count if row.length is None else row.length)


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _far(rewards: Floats) -> Floats:
    """How far each reward lies from the middle of the batch; 0 where nothing was scored."""
    known = rewards[~np.isnan(rewards)]
    return np.nan_to_num(np.abs(rewards - np.median(known))) if known.size else np.zeros(rewards.size)


def _flags(rows: Rows, texts: Sequence[TextHealth], rewards: Floats) -> dict[str, Floats]:
    """By measure, how much each reply is what it counts; 0 where it is not."""
    prompts = list(dict.fromkeys(row.prompt for row in rows))
    scripts = dict(zip(prompts, unprintable_and_script([prompt[-LONGEST:] for prompt in prompts])[1], strict=True))
    asked = [scripts[row.prompt] for row in rows]
    size = np.array([1.0 + text.characters for text in texts])
    return {
        "samples/repeating": size * np.array([bool(text.loops) for text in texts]),
        "samples/special_tokens": size * np.array([text.special for text in texts]),
        "samples/script_mismatch": size
        * np.array([None not in (one, text.script) and one != text.script for one, text in zip(asked, texts, strict=True)]),
        "samples/empty": np.array([_empty(row, text) for row, text in zip(rows, texts, strict=True)], float),
        "samples/unscored": np.isnan(rewards).astype(np.float64),
    }


def _empty(row: Completion, text: TextHealth) -> bool:
    return text.empty or (row.length is not None and row.length <= _SAYS_NOTHING)


def _groups(rows: Rows) -> list[NDArray[np.intp]]:
    """Which rows answer the same prompt, for prompts with more than one."""
    by_prompt: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        by_prompt.setdefault(row.prompt, []).append(index)
    return [np.array(group) for group in by_prompt.values() if len(group) > 1]


def _prompts(rows: Rows, groups: list[NDArray[np.intp]]) -> dict[str, float]:
    """How many replies and prompts there are, and marks by which the same prompt and the same batch are known again."""
    return {
        "samples/count": float(len(rows)),
        "samples/groups": float(len(groups)),
        "samples/distinct_prompts": float(len({row.prompt for row in rows})),
        "samples/prompt_mark": _mark([rows[0].prompt]),
        "samples/batch_mark": _mark([text for row in rows for text in (row.prompt, row.completion)]),
    }


def _mark(texts: Iterable[str]) -> float:
    """A number below 2**48 that different texts hardly share."""
    whole = "\0".join([text[:LONGEST] for text in texts])
    return float(int.from_bytes(blake2b(f"{whole}\0".encode("utf-8", "surrogatepass"), digest_size=6).digest(), "big"))


def _standing(rewards: Floats, advantages: Floats) -> Floats:
    """How each reply stands in its group: its advantage, which weighs the rewards as the training does, else its reward."""
    if np.isnan(advantages).all() or not np.ptp(advantages[~np.isnan(advantages)]) > 0:
        return rewards
    return np.where(np.isnan(rewards), np.nan, advantages)


def _group_of(groups: list[NDArray[np.intp]], count: int) -> NDArray[np.intp]:
    """The number of each row's group; −1 for one that stands alone."""
    group = np.full(count, -1, np.intp)
    if groups:
        group[np.concatenate(groups)] = np.repeat(np.arange(len(groups)), [rows.size for rows in groups])
    return group


def _long_and_paid(lengths: Floats, standing: Floats, group_of: NDArray[np.intp]) -> Floats:
    """How far a reply lies above its group in both length and standing, as a product; 0 where it does not in either."""
    known = np.flatnonzero((group_of >= 0) & ~np.isnan(standing))
    group = group_of[known]
    size = np.maximum(np.bincount(group), 1)

    def above(values: Floats) -> Floats:
        over: Floats = values - (np.bincount(group, values) / size)[group]
        return np.where(over > _ROUNDING * np.abs(values), over, 0.0)

    both = np.zeros(lengths.size)
    both[known] = above(lengths[known]) * above(standing[known])
    return both


def _length_and_reward(lengths: Floats, standing: Floats, rewards: Floats, group: NDArray[np.intp]) -> dict[str, float]:
    """What `length_reward` sums up, where any group tells something: ranks by standing, slopes by reward."""
    ranked = length_reward(lengths, standing, group)
    if not ranked.groups:
        return {}
    sloped = length_reward(lengths, rewards, group)
    return {
        "samples/length_reward_groups": float(ranked.groups),
        "samples/length_reward_z": ranked.z,
        "samples/length_reward_weight": ranked.weight,
        "samples/length_reward_covariance": sloped.covariance,
        "samples/length_variance": sloped.variance,
    }


def _worst(step: int, badness: Floats) -> tuple[str, ...]:
    """The rows of the largest, as `step/row`."""
    order = np.argsort(-badness, kind="stable")[:_NAMED]
    return tuple(f"{step}/{index}" for index in order if badness[index] > 0)
