"""Most tool calls fail, or the policy has stopped calling tools.

What it means
    The policy is trained to act, and its actions come to nothing: more than half of the calls return an error, so replies
    are graded on what the model made up instead of on what the tool would have said. Or calls have died out: it found that
    answering without the tool pays as well or better.

Why it happens
    A schema that the model writes wrongly (names, quoting, missing arguments), a tool server that is down or too slow, calls
    cut off at the length limit; at a high temperature some malformed calls are natural. Calls die out when failures are
    punished and an answer without a call is not.

What to do
    Read ten failed calls: the error says whether the text or the tool is at fault. Mend the schema or the parser, give the
    tool more time, lower `temperature` a little, or start from a few supervised examples of correct calls. If calls died
    out, pay for answers that used the tool, or use prompts that cannot be answered without it.

Where the limit comes from
    Catalogue: a failure frequency above 0.5 in 10 of 15 logs; a call frequency that falls to nothing from more than 0.2 a
    prompt. TRL's GRPO logs both, as failures by calls and calls by prompts. The first 20 logs are exploration and not
    judged; where nothing is called, nothing can fail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.beside import last_known
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import scope_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.warm_up import warmed_up
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n, rolling_median

FAILURES, CALLS = "tools/failure_frequency", "tools/call_frequency"


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        failures: Share of the calls that fail.
        called: Calls a prompt from which tools were in use, the median of `median` logs, and `gone` where they are not.
        at_least: Logs before anything is said.
    """

    failures: float = 0.5
    m: int = 10
    n: int = 15
    called: float = 0.2
    gone: float = 0.01
    median: int = 10
    at_least: int = 20


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `most` is the highest median of calls so far."""

    seen: int = 0
    calls: float = math.nan
    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    recent: Floats = field(default_factory=lambda: NOTHING_YET)
    most: float = -math.inf


def both(reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Failures and calls are two walks."""
    return tuple(name for name in reads if name in names)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """Failures against their limit; calls against what they were."""
    limits: Limits = context.limits
    info = context.info
    at, values = scope_rows(rows, context)
    counts = past.seen + 1 + np.arange(at.size)
    ready = warmed_up(rows.steps[at], counts, cadence.window(limits.at_least, info), info)
    m, n = cadence.persistence(limits.m, limits.n, info)
    if context.scope == FAILURES:
        calls, latest = last_known(rows, at, CALLS, past.calls)
        bad = (values > limits.failures) & ~(calls <= limits.gone)
        held, flags = m_of_n(bad, past.flags, m, n)
        known = Past(past.seen + at.size, latest, flags)
        limit, facts = np.full(at.size, limits.failures), {}
    else:
        size = cadence.window(limits.median, info)
        middle, recent = rolling_median(values, past.recent, size, size)
        most = np.fmax.accumulate(np.concatenate(([past.most], middle)))
        bad = (values < limits.gone) & (most[:-1] > limits.called)
        held, flags = m_of_n(bad, past.flags, m, n)
        known = Past(past.seen + at.size, math.nan, flags, recent, float(most[-1]))
        limit, facts = np.full(at.size, limits.gone), {"most": most[1:]}
    return Verdict(
        at=at,
        breach=bad,
        level=np.where(held & ready, Severity.WARNING.rank, 0).astype(np.int8),
        value=values if context.scope == FAILURES else -values,
        limit=limit,
        past=known,
        facts=facts,
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    if context.scope == CALLS:
        return Telling(
            summary=f"The policy stopped calling tools from step {episode.first_step} on: fewer than {episode.limit:g} calls a "
            f"prompt, after up to {episode.facts['most']:.2g} (limit {context.limits.called:g}).",
            cause="Answering without the tool pays as well as with it, or failed calls were punished until none was tried.",
            advice=(
                Advice(text="Pay for answers that used the tool, or use prompts that cannot be answered without it."),
                Advice(text=f"Read replies from before step {episode.first_step}: did the calls fail?"),
            ),
        )
    m, n = cadence.persistence(context.limits.m, context.limits.n, context.info)
    return Telling(
        summary=f"Up to {percent(episode.peak)} of the tool calls failed from step {episode.first_step} on "
        f"(limit {percent(episode.limit)}, in {m} of {n} logs).",
        cause="Either the calls are written wrongly, or the tool does not answer them.",
        advice=(
            Advice(text="Read ten failed calls: the error tells whether the text or the tool is at fault."),
            *_cooler(context.info),
        ),
    )


def _cooler(info: RunInfo) -> tuple[Advice, ...]:
    """A lower temperature, where it is not low already."""
    today = info.setting("temperature")
    if today is not None and today < 1.0:
        return ()
    return (set_to(info, "temperature", "If the calls are malformed, sample a little cooler", "0.8", current=today),)


RULE = RowRule(
    family=Family.TEXT,
    reads=(FAILURES, CALLS),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    scopes=both,
    window=lambda limits: limits.n,
    ceiling=Severity.WARNING,
    explained_by=("truncation", "entropy-collapse", "kl-too-high", "reward-collapse"),
)
