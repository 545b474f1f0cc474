"""Which few words explain the reward: phrases whose presence in a reply tells how it scores among the replies to its prompt.

For each phrase of one to four words (characters where a script writes no spaces) sums are kept over the generations so far,
which fade by half in `HALF_LIFE` batches:

* the covariance of its presence with the reward, about the means of each prompt's replies;
* the variance that covariance would have if the rewards of a prompt's replies were dealt out to them at random (the exact
  variance under permutation, (n − 1)⁻¹ Σ(x − x̄)² Σ(r − r̄)²), so that their ratio is a test against shuffles within prompts
  that needs no shuffling, and adds up over prompts and batches (Mantel's extended test, JASA 58, 1963);
* the variance of its presence, of which follow the effect (difference in reward) and the share of the reward's variance.

Tens of thousands of phrases are tested, so a phrase counts only from `SURE` deviations on: by Bonferroni that is one false
phrase in ten thousand shuffled tables. What a prompt says itself is not counted for its replies: it was asked for.

What is looked at is bounded: `REPLIES` of a batch, whole groups spread evenly over it, the first and the last words of each
(`phrases.py`), and the `PHRASES` commonest phrases. Which phrases are dropped depends on how often they occur, never on the
rewards, so the test stays honest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rldk_tui.analysis.phrases import Codes, Flat, Hashes, Indices, Phrases, ends, phrases
from rldk_tui.statistics.windows import Floats

REPLIES = 128
PHRASES = 16_384
HALF_LIFE = 48
RECENT = 4
"""Half-life in batches of the share that holds a phrase now."""
START = 8
"""First batches that tell which share held it before."""
SURE = 6.5
"""Standard deviations under permutation; 2 · 16,384 phrases at p = 4e-11 each."""
GROUPS = 25.0
"""Groups in which presence and reward both vary, as in `length-reward-coupling`."""
MATERIAL = 0.02
"""Share of the reward's variance below which a phrase explains nothing worth telling."""
NAMED = 4
_ALIKE = 0.98
"""Phrases that bring this share of what the first brings are part of one phrase, and the longest of them is named."""
_PROMPTS = 8
"""Fewest prompts: of fewer, what explains the reward may be the right answer."""
_BATCHES = 1024
"""Last batches by which one that is logged again is known."""

_COVARIANCE, _PERMUTED, _PRESENCE, _REWARD, _GROUPS, _NOW, _BEFORE, _LENGTH = range(8)
_FADES = 0.5 ** (1.0 / HALF_LIFE)
_FADES_NOW = 0.5 ** (1.0 / RECENT)
_FADE = np.array([_FADES, _FADES**2, _FADES, _FADES, _FADES, _FADES_NOW, 1.0, 1.0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One batch of generations.

    Attributes:
        mark: A number by which the same batch is known again.
        prompts: Of n replies.
        replies: Their texts.
        words: The words of each where they are known already (`text_health.words_of`), else none.
        standing: shape (n,), what the training compares: advantages or rewards; NaN where nothing was scored.
        rewards: shape (n,), NaN where nothing was scored.
        groups: The rows of each prompt's replies.
    """

    mark: float
    prompts: Sequence[str]
    replies: Sequence[str]
    words: Sequence[Sequence[str]]
    standing: Floats
    rewards: Floats
    groups: Sequence[Indices]


@dataclass(frozen=True, slots=True, kw_only=True)
class PayingPhrase:
    """The phrase that brought most of the reward.

    Attributes:
        phrase: Its words, lower case, without the punctuation around them.
        mark: A number by which it is known again.
        explained: Share of the reward's variance within prompts, 0 to 1.
        z: Standard deviations from what shuffled rewards give.
        effect: Difference in reward between replies to one prompt with it and without.
        share: Of the newest replies hold it.
        before: Of the first replies held it.
        rows: Of this batch that hold it, the best paid first.
    """

    phrase: str
    mark: float
    explained: float
    z: float
    effect: float
    share: float
    before: float
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Examined:
    """A batch was looked at; `phrase` is what explains the reward up to it, None where none surely does."""

    phrase: PayingPhrase | None


class PhraseSearch:
    """Gathers batches in the order of the training. Memory is bounded, cost depends on the batch alone."""

    def __init__(self) -> None:
        self._hashes: Hashes = np.empty(0, np.uint64)
        self._sums: Floats = np.empty((_LENGTH + 1, 0))
        self._spread = self._now = self._before = 0.0
        self._seen = 0
        self._prompts: set[str] = set()
        self._marks: deque[float] = deque(maxlen=_BATCHES)
        self._names: dict[int, str] = {}
        self._codes = Codes()

    @property
    def phrases(self) -> int:
        """How many phrases sums are kept of."""
        return int(self._hashes.size)

    def add(self, batch: Batch) -> Examined | None:
        """What explains the reward up to this batch; None where nothing can be told.

        That is of a batch that was on record before, of one without groups that were scored, and of too few prompts.
        """
        groups = _looked_at(batch)
        if batch.mark in self._marks or not groups:
            return None
        self._marks.append(batch.mark)
        rows = np.concatenate(groups)
        group_of = np.repeat(np.arange(len(groups)), [group.size for group in groups])
        asked = [batch.prompts[int(group[0])] for group in groups]
        if len(self._prompts) < _PROMPTS:
            self._prompts.update(prompt[-4096:] for prompt in asked)
        replied = [ends(batch.replies[row], batch.words[row]) for row in rows.tolist()]
        flat = Flat.of(replied + [ends(prompt) for prompt in asked], self._codes)
        found = phrases(flat, rows.size)
        self._fade(rows.size)
        if found.hashes.size:
            self._merge(found, _sums(found, group_of, batch.standing[rows], batch.rewards[rows], self._seen <= START))
        self._spread += _within(batch.standing[rows], group_of)
        if len(self._prompts) < _PROMPTS:
            return None
        return Examined(self._leader(found, flat, rows, batch.rewards))

    def _fade(self, replies: int) -> None:
        self._seen += 1
        self._sums *= _FADE[:, None]
        self._spread *= _FADES
        self._now = self._now * _FADES_NOW + replies
        self._before += replies if self._seen <= START else 0

    def _merge(self, found: Phrases, sums: Floats) -> None:
        at = np.searchsorted(self._hashes, found.hashes)
        known = np.zeros(at.size, np.bool_)
        inside = at < self._hashes.size
        known[inside] = self._hashes[at[inside]] == found.hashes[inside]
        self._sums[:_LENGTH, at[known]] += sums[:_LENGTH, known]
        fresh = ~known
        self._hashes = np.insert(self._hashes, at[fresh], found.hashes[fresh])
        self._sums = np.insert(self._sums, at[fresh], sums[:, fresh], axis=1)
        if self._hashes.size > 2 * PHRASES:
            often = self._sums[_PRESENCE] + self._sums[_NOW]
            kept = np.sort(np.argpartition(-often, PHRASES)[:PHRASES])
            self._hashes, self._sums = self._hashes[kept], self._sums[:, kept]

    def _leader(self, found: Phrases, flat: Flat, rows: Indices, rewards: Floats) -> PayingPhrase | None:
        """Of the phrases that surely explain some of the reward, the one whose spread brought most."""
        sums = self._sums
        if self._seen <= START or not self._spread > 0:
            return None
        sure = sums[_COVARIANCE] > SURE * np.sqrt(sums[_PERMUTED])
        explains = sums[_COVARIANCE] ** 2 >= MATERIAL * self._spread * sums[_PRESENCE]
        which = np.flatnonzero(sure & explains & (sums[_GROUPS] >= GROUPS) & (sums[_REWARD] > 0) & (sums[_PRESENCE] > 0))
        if not which.size:
            return None
        some = sums[:, which]
        effect, share, before = some[_REWARD] / some[_PRESENCE], some[_NOW] / self._now, some[_BEFORE] / self._before
        brought = effect * np.maximum(share - before, 0.0) * (1.0 + 1e-9 * some[_LENGTH])
        alike = np.flatnonzero(brought >= _ALIKE * brought.max())
        best = int(alike[np.lexsort((brought[alike], some[_LENGTH, alike]))[-1]])
        index = int(which[best])
        phrase, held = self._told(index, found, flat)
        if phrase is None:
            return None
        paid = rows[held]
        order = np.argsort(-np.nan_to_num(rewards[paid], nan=-np.inf), kind="stable")[:NAMED]
        return PayingPhrase(
            phrase=phrase,
            mark=float(int(self._hashes[index]) >> 16),
            explained=min(1.0, float(some[_COVARIANCE, best] ** 2 / (some[_PRESENCE, best] * self._spread))),
            z=float(some[_COVARIANCE, best] / np.sqrt(some[_PERMUTED, best])),
            effect=float(effect[best]),
            share=float(share[best]),
            before=float(before[best]),
            rows=tuple(paid[order].tolist()),
        )

    def _told(self, index: int, found: Phrases, flat: Flat) -> tuple[str | None, Indices]:
        """The phrase in words, and which replies of the batch hold it; words that no longer occur are remembered."""
        own = int(self._hashes[index])
        place = int(np.searchsorted(found.hashes, self._hashes[index]))
        if place == found.hashes.size or int(found.hashes[place]) != own:
            return self._names.get(own), np.empty(0, np.intp)
        held = np.flatnonzero(found.phrase == place)
        name = flat.words(int(found.place[held[0]]), int(found.lengths[place]))
        if len(self._names) >= 64:
            self._names.clear()
        self._names[own] = name
        return name, found.row[held]


def _looked_at(batch: Batch) -> list[Indices]:
    """Whole groups, spread evenly over the batch, in which anything was scored."""
    groups = []
    for group in batch.groups:
        scored = group[~np.isnan(batch.standing[group]) & ~np.isnan(batch.rewards[group])]
        if scored.size > 1:
            groups.append(scored)
    most = max(1, REPLIES * len(groups) // max(1, sum(group.size for group in groups)))
    if len(groups) <= most:
        return groups
    return [groups[place] for place in np.linspace(0, len(groups) - 1, most).astype(int)]


def _sums(found: Phrases, group_of: Indices, standing: Floats, rewards: Floats, at_start: bool) -> Floats:
    """What the batch adds, shape (sums, phrases)."""
    count, groups = found.hashes.size, int(group_of[-1]) + 1
    sizes = np.bincount(group_of).astype(np.float64)
    about, paid = _about(standing, group_of, sizes), _about(rewards, group_of, sizes)
    spread = np.bincount(group_of, about * about)
    replied = found.row < group_of.size
    asked = np.zeros((count, groups), np.bool_)
    asked[found.phrase[~replied], found.row[~replied] - group_of.size] = True
    phrase, row = found.phrase[replied], found.row[replied]
    counted = ~asked[phrase, group_of[row]]
    phrase, row = phrase[counted], row[counted]
    held = np.bincount(phrase * groups + group_of[row], minlength=count * groups).reshape(count, groups)
    presence = held * (1.0 - held / sizes)
    sums = np.empty((_LENGTH + 1, count))
    sums[_COVARIANCE] = np.bincount(phrase, about[row], minlength=count)
    sums[_PERMUTED] = presence @ (spread / (sizes - 1.0))
    sums[_PRESENCE] = presence.sum(axis=1)
    sums[_REWARD] = np.bincount(phrase, paid[row], minlength=count)
    sums[_GROUPS] = ((presence > 0) & (spread > 0)).sum(axis=1)
    sums[_NOW] = held.sum(axis=1)
    sums[_BEFORE] = sums[_NOW] if at_start else 0.0
    sums[_LENGTH] = found.lengths
    return sums


def _about(values: Floats, group_of: Indices, sizes: Floats) -> Floats:
    """About the mean of each group."""
    result: Floats = values - (np.bincount(group_of, values) / sizes)[group_of]
    return result


def _within(values: Floats, group_of: Indices) -> float:
    about = _about(values, group_of, np.bincount(group_of).astype(np.float64))
    return float(about @ about)
