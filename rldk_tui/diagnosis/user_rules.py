"""Rules that a person states in `rldk.toml`: a condition over the columns of a row, and for how many logs in a row it holds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from rldk_tui.diagnosis.expressions import Expression
from rldk_tui.diagnosis.rule import Context, Episode, Family, NamedRule, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics import canonical
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n

_MANUAL = """{title}

What it means
    The condition {condition} held in {logs} of the run, {times} in a row. A log in which none of its metrics was written
    is passed over; of a log in which one of them is missing it says nothing.

Why it happens
    This rule was written in {source}. What it watches for, and why that is trouble, is known to whoever wrote it there;
    the summary and the advice are theirs.

What to do
    {advice} Its severity is {severity}. To silence it, write mute = true below [rules.{id}] in an rldk.toml.

Where the limit comes from
    The limit stands in the condition, and so does its source: {source}. Nobody else has checked it against runs that are
    healthy, and it is applied as it is written there.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRule:
    """One of `[[user_rules]]`.

    Attributes:
        consecutive: In how many logs in a row the condition must hold; `for` in the file.
        metric: The one that is drawn.
        source: The file it stands in.
    """

    id: str
    condition: Expression
    consecutive: int
    severity: Severity
    summary: str
    advice: str
    metric: str
    source: str

    def named(self) -> NamedRule:
        """It as any other rule."""
        rule = RowRule(
            family=Family.METRICS,
            reads=self.condition.metrics,
            watch=partial(_watch, self.condition, self.severity),
            fresh=NOTHING_YET,
            tell=partial(_tell, self),
            limits=Limits(self.consecutive),
            scopes=lambda reads, names: (canonical(self.metric),) if all(name in names for name in reads) else (),
            window=lambda limits: int(limits.consecutive),
            worst=np.argmin
            if self.condition.comparison is not None and self.condition.comparison[0] in ("<", "<=")
            else np.argmax,
            ceiling=self.severity,
        )
        manual = _MANUAL.format_map(
            {
                "title": (self.summary or f"The rule {self.id}").rstrip(".") + ".",
                "condition": self.condition.text,
                "logs": "one log" if self.consecutive == 1 else f"{self.consecutive} logs",
                "times": "once" if self.consecutive == 1 else f"{self.consecutive} times",
                "source": self.source,
                "advice": self.advice or "No advice is given there.",
                "severity": self.severity.value,
                "id": self.id,
            }
        )
        return NamedRule(self.id, rule, manual)


@dataclass(frozen=True, slots=True)
class Limits:
    """The number of the condition stands in the condition."""

    consecutive: int


def _watch(condition: Expression, severity: Severity, rows: Rows, past: Floats, context: Context) -> Verdict[Floats]:
    """Whether the condition held in each of the last logs of which it says anything."""
    limits: Limits = context.limits
    at, held = condition.judge(rows)
    lasting, kept = m_of_n(held, past, limits.consecutive, limits.consecutive)
    column = rows.column(context.scope)
    return Verdict(
        at=at,
        breach=held,
        level=np.where(lasting, severity.rank, 0).astype(np.int8),
        value=np.where(np.isfinite(column.values[at]), column.values[at], np.nan),
        limit=np.full(at.size, np.nan if condition.comparison is None else condition.comparison[1]),
        past=kept,
    )


def _tell(rule: UserRule, episode: Episode, context: Context) -> Telling:
    """The words of whoever wrote the rule, and what was seen."""
    logs = f" in {context.limits.consecutive} logs in a row" if context.limits.consecutive > 1 else ""
    seen = f"{rule.condition.text}{logs}"
    if np.isfinite(episode.peak):
        seen += f"; {context.scope} reached {episode.peak:.3g} at step {episode.peak_step}"
    return Telling(
        summary=f"{rule.summary.rstrip('.')} ({seen})." if rule.summary else f"{seen}.",
        cause=f"The rule {rule.id} of {rule.source} says so.",
        advice=(Advice(text=rule.advice),) if rule.advice else (),
    )
