"""The reward gained by form alone.

What it means
    The function that pays for the format has risen and stayed up, and no function that pays for content has. The policy
    learned to look right: tags in place, the answer in its box, and as many right answers as before. What the sum of the
    rewards shows as progress is packaging.

Why it happens
    Form is quickly learned, and often first: then content follows, and nothing is wrong. It does not follow where the form
    pays too much beside the content, where the task is too hard for any reply to be right, or where the checker of the
    content never gets to see an answer.

What to do
    Read replies that score on format alone. Let the content weigh more (`reward_weights`), or pay for form only together with
    content. Check that the checker of the content scores a reference answer, and mix in tasks that the model sometimes
    solves.

Where the limit comes from
    Catalogue: format that is learned at the start is a remark. So this is one while the state has held for 60 of 64 logs, over
    which a trend would show, and a warning after twice as many. The format has risen by a spread of its scores in a batch;
    no function of content by more than a fifth of its own, nor by a trend (Mann-Kendall). DeepSeek-R1 (arXiv 2501.12948)
    pays for format and accuracy side by side; GDPO (arXiv 2601.05242) shows the easier of two objectives taking all of the
    update.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.batches import Start
from rldk_tui.diagnosis.beside import RewardPast, SmoothPast, direction_of, last_known, smoothed
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.components import WeightsPast, function_of, functions, spread_of, weight_of
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n, rolling_mean

_FORM = re.compile(
    r"(^|[/_.-])(format|formatting|structure|structured|xml\w*|tags?|json|schema|boxed|syntax|template|markdown)([/_.-]|$)",
    re.IGNORECASE,
)
_NO_CONTENT = re.compile(
    r"(^|[/_.-])(penalty|penalties|punishment|overlong|cost|len|length|tokens|repetition|turns)([/_.-]|$)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Limits:
    """In spreads of a function's scores in a batch; see the manual for the source.

    Attributes:
        gained: What the format must have gained.
        flat: What no function of content may have gained.
        solved: A mean from here on is that of content which cannot gain any more.
        start: Logs that tell where the format began, `content_start` where the content did, and `now` where they are.
        m: Of `n` logs the state must hold for a remark; of twice as many for a warning.
    """

    gained: float = 1.0
    flat: float = 0.2
    solved: float = 0.9
    start: int = 8
    content_start: int = 16
    now: int = 32
    m: int = 60
    n: int = 64


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class FunctionPast:
    """What is kept of one function: where it began, where it is, its spread and whether it rises."""

    value: float = np.nan
    start: Start = field(default_factory=Start)
    now: Floats = field(default_factory=lambda: NOTHING_YET)
    spread: SmoothPast = field(default_factory=SmoothPast)
    widest: float = np.nan
    direction: RewardPast = field(default_factory=RewardPast)


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept, by function."""

    functions: Mapping[str, FunctionPast] = field(default_factory=lambda: MappingProxyType({}))
    weights: WeightsPast = field(default_factory=WeightsPast)
    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    long_flags: Floats = field(default_factory=lambda: NOTHING_YET)


@dataclass(frozen=True, slots=True)
class _Moved:
    """How a function moved, at each row: shape (n,). `seen` is whether it was logged at all yet."""

    seen: Bools
    begun: Floats
    gain: Floats
    spread: Floats
    rises: Bools


def applies(info: RunInfo) -> str | None:
    """Trainers that add up reward functions."""
    return None if info.algorithm is None or info.algorithm in GROUPED else "this trainer adds up no reward functions"


def scopes(_reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Each function named for form, where there is one for content."""
    known = functions(names)
    return tuple(name for name in known if _FORM.search(function_of(name))) if _content(known) else ()


def _content(names: tuple[str, ...]) -> tuple[str, ...]:
    """Functions that pay for what is said."""
    return tuple(name for name in names if not _FORM.search(function_of(name)) and not _NO_CONTENT.search(function_of(name)))


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """Whether the format has gained, and no content has, for very many logs."""
    limits: Limits = context.limits
    at, _ = finite_rows(rows, context.scope)
    kept: dict[str, FunctionPast] = dict(past.functions)
    form, kept[context.scope] = _moved(
        rows, at, context.scope, kept.get(context.scope, FunctionPast()), limits.start, limits.now
    )
    weight, weights = weight_of(rows, at, context.scope, past.weights, context.info)
    held = (form.gain > limits.gained * form.spread) & (weight != 0.0)  # False where gain or spread is not known
    known = tuple(dict.fromkeys((*past.functions, *functions(tuple(rows.columns)))))
    most = np.full(at.size, -np.inf)
    for name in _content(known):
        content, kept[name] = _moved(rows, at, name, kept.get(name, FunctionPast()), limits.content_start, limits.now)
        flat = (content.gain <= limits.flat * content.spread) & ~content.rises & (content.begun < limits.solved)
        held &= flat | ~content.seen
        most = np.fmax(most, content.gain)
    held &= np.isfinite(most)
    opened, flags = m_of_n(held, past.flags, *cadence.persistence(limits.m, limits.n, context.info))
    lasting, long_flags = m_of_n(held, past.long_flags, *cadence.persistence(2 * limits.m, 2 * limits.n, context.info))
    return Verdict(
        at=at,
        breach=held,
        level=graded([lasting, opened], [Severity.WARNING.rank, Severity.INFO.rank]),
        value=form.gain,
        limit=limits.gained * form.spread,
        past=Past(MappingProxyType(kept), weights, flags, long_flags),
        facts={"gain": form.gain, "begun": form.begun, "content": most},
    )


def _moved(
    rows: Rows, at: NDArray[np.intp], name: str, past: FunctionPast, begin: int, size: int
) -> tuple[_Moved, FunctionPast]:
    """Its gain from its first `begin` logs to its last `size`; of a function that appears later, since then."""
    values, value = last_known(rows, at, name, past.value)
    there = np.flatnonzero(~np.isnan(values))
    seen = np.clip(values[there], -1e100, 1e100)
    begun, start = past.start.grown(seen, begin)
    latest, now = rolling_mean(seen, past.now, size, size)
    spread, spread_past = smoothed(rows, at, spread_of(name), 5, past.spread)
    widest = np.fmax.accumulate(np.concatenate(([past.widest], spread)))
    direction, direction_past = direction_of(rows, at, name, past.direction)
    everywhere = np.full((2, at.size), np.nan)
    everywhere[:, there] = begun, latest - begun
    moved = _Moved(~np.isnan(values), everywhere[0], everywhere[1], widest[1:], direction == 1.0)
    return moved, FunctionPast(value, start, now, spread_past, float(widest[-1]), direction_past)


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info, facts = context.info, episode.facts
    name = function_of(context.scope)
    return Telling(
        summary=f"{name} had gained {facts['gain']:.3g} by step {episode.detected_step} (from {facts['begun']:.3g}), while no "
        f"function of content has risen: the best of them moved by {facts['content']:+.3g}.",
        cause="So far the reward was raised by form alone; whether replies became better it does not tell.",
        advice=(
            Advice(text=f"Read replies that {name} pays and the others do not."),
            Advice(text="Check that the functions of content score a reference answer, and that some replies are right."),
            set_to(info, "reward_weights", "Let the content weigh more than the form", "a smaller weight for " + name,
                   current=info.config.get("reward_weights")),
        ),
    )  # fmt: skip


RULE = RowRule(
    family=Family.REWARD,
    reads=("rewards/<function>/mean",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    scopes=scopes,
    window=lambda limits: 2 * limits.n,
    ceiling=Severity.WARNING,
    explained_by=("reward-component-dead", "reward-scale-mismatch"),
)
