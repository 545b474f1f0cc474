"""The entropy looks healthy, but the replies to a prompt are nearly the same.

What it means
    The logged entropy is that of the whole distribution; the replies are drawn from what the sampler leaves of it. Here the
    policy could write very different replies, and the sampler lets it write one. Groups then hold no differences, nothing is
    explored, and the entropy, the number one would look at, says that all is well.

Why it happens
    A small `top_k` or `top_p`, a low temperature that the entropy is not scaled by, greedy decoding, or a sampler that gives
    every reply of a group the same seed or the same cached text.

What to do
    Sample from the whole distribution while training: `top_k=0`, `top_p=1.0`, `temperature=1.0`, `repetition_penalty=1.0`.
    If they stand so already, look for a fixed seed in the generation server and for a cache of replies.

Where the limit comes from
    Catalogue: entropy above 1 nat/token with less than 25 % different replies in a group, in five of ten logs. A run with
    `top_k=3` showed entropy 3.76 and no group with any difference. Where no replies are on record, groups without differences
    in more than 80 % stand in for them, but only under a sampler known to be narrow (top_k up to 10, top_p or temperature
    below 0.5) and a reward that has moved: a constant or saturated reward makes groups alike whatever the replies. TRL
    issue 3857 shows such groups.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.beside import held, last_known
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import finite_rows, scope_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict, one_scope
from rldk_tui.diagnosis.sampler import OWN_KWARGS, Cut, number, place, sampling
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n

UNIQUE, ALIKE = "samples/unique_in_group", "frac_reward_zero_std"


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        entropy: From which the policy has many replies to choose from, in nat/token.
        unique: Share of different replies in a group below which they are one.
        alike: Share of groups without differences in reward that stands in for it.
        top_k: Up to here, and `top_p` and `temperature` below, a sampler is narrow.
    """

    entropy: float = 1.0
    unique: float = 0.25
    alike: float = 0.8
    m: int = 5
    n: int = 10
    top_k: float = 10.0
    top_p: float = 0.5
    temperature: float = 0.5


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: the last entropy, the highest and the lowest reward, whether it had moved, and the flags."""

    entropy: float = math.nan
    highest: float = -math.inf
    lowest: float = math.inf
    moved: float = 0.0
    flags: Floats = field(default_factory=lambda: NOTHING_YET)


def applies(info: RunInfo) -> str | None:
    """Trainers that compare the replies to one prompt."""
    return None if info.algorithm is None or info.algorithm in GROUPED else "this trainer compares no groups of replies"


def scopes(reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """What tells best how different the replies are, where the entropy is logged beside it."""
    return one_scope(reads[1:], names) if reads[0] in names else ()


def narrow(info: RunInfo, limits: Limits) -> tuple[Cut, ...]:
    """What leaves the sampler nearly no choice."""
    settings = sampling(info)
    top_k, top_p, temperature = (number(settings, name) for name in ("top_k", "top_p", "temperature"))
    return (
        *([Cut("top_k", top_k, "0")] if top_k is not None and 0 < top_k <= limits.top_k else []),
        *([Cut("top_p", top_p, "1.0")] if top_p is not None and top_p < limits.top_p else []),
        *([Cut("temperature", temperature, "1.0")] if temperature is not None and temperature < limits.temperature else []),
        *([Cut("do_sample", 0.0, "True")] if settings.get("do_sample") is False else []),
    )


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """Groups that hold one reply, or one reward where no reply was seen, under an entropy that allows many."""
    limits: Limits = context.limits
    info = context.info
    at, share = scope_rows(rows, context)
    entropy, latest = last_known(rows, at, "entropy", past.entropy)
    moved, range_past = _moved(rows, at, past)
    if context.scope == UNIQUE:
        limit, alike = limits.unique, share < limits.unique
    else:
        limit, alike = limits.alike, (share > limits.alike) & moved & bool(narrow(info, limits))
    mismatch = alike & (entropy > limits.entropy)
    opened, flags = m_of_n(mismatch, past.flags, *cadence.persistence(limits.m, limits.n, info))
    return Verdict(
        at=at,
        breach=mismatch,
        level=np.where(opened, Severity.HIGH.rank, 0).astype(np.int8),
        value=share,
        limit=np.full(at.size, limit),
        past=replace(range_past, entropy=latest, flags=flags),
        facts={"entropy": entropy, "share": share},
    )


def _moved(rows: Rows, at: NDArray[np.intp], past: Past) -> tuple[Bools, Past]:
    """Whether the reward had been more than one number by each row."""
    where, rewards = finite_rows(rows, "reward")
    tops = np.maximum.accumulate(np.concatenate(([past.highest], rewards)))
    bottoms = np.minimum.accumulate(np.concatenate(([past.lowest], rewards)))
    moved, latest = held(where, (tops > bottoms)[1:].astype(np.float64), at, past.moved)
    return moved == 1.0, replace(past, highest=float(tops[-1]), lowest=float(bottoms[-1]), moved=latest)


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info, limits = context.info, context.limits
    cuts = narrow(info, limits)
    seen = (
        f"only {percent(episode.facts['share'])} of the replies to a prompt differed"
        if context.scope == UNIQUE
        else f"{percent(episode.facts['share'])} of the groups held no difference in reward"
    )
    return Telling(
        summary=f"At step {episode.detected_step} {seen} (limit {percent(episode.limit)}), under an entropy of "
        f"{episode.facts['entropy']:.3g} nat/token, which allows many (limit {limits.entropy:g}).",
        cause=f"The sampler is narrow ({', '.join(map(str, cuts))}), and the entropy does not see it."
        if cuts
        else "The sampler draws less than the policy offers: a fixed seed, a cache of replies, a cut outside the config.",
        advice=tuple(_widen(info, cut) for cut in cuts)
        or (
            Advice(text="Sample from the whole distribution: top_k=0, top_p=1.0, temperature=1.0."),
            Advice(text="Look for a fixed seed in the generation server, and for a cache of replies."),
        ),
    )


def _widen(info: RunInfo, cut: Cut) -> Advice:
    where = place(info, cut.setting)
    if where == OWN_KWARGS:
        return Advice(text=f"Take {cut.setting} out of {OWN_KWARGS} while training.")
    return set_to(info, where, "Sample from the whole distribution while training", cut.harmless, current=cut.value)


RULE = RowRule(
    family=Family.ENTROPY,
    reads=("entropy", UNIQUE, ALIKE),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    scopes=scopes,
    window=lambda limits: limits.n,
    ceiling=Severity.HIGH,
    explained_by=("generation-config-risk", "duplicate-prompts"),
)
