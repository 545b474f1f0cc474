"""Chosen replies become far less likely: probability moves to text nobody chose.

What it means
    The margin grows because the rejected replies lose probability even faster than the chosen ones, which lose it too. What
    they lose goes to replies that are in no pair. A mild fall is normal in DPO; here the chosen replies have lost half of
    their log-probability or more, and what the policy says instead has been judged by nobody. It is high where they have lost
    as much again as the reference gave them, and at least 50 nats.

Why it happens
    Pairs whose two replies resemble each other push down the tokens they share; a `beta` so low, or a `learning_rate` so
    high, that nothing holds the policy near the reference; chosen replies that the starting model would not write, because
    it was not fine-tuned on them first.

What to do
    Read what the policy writes now. Add the likelihood of the chosen reply to the loss (`loss_type=["sigmoid", "sft"]` with
    `loss_weights`), raise `beta`, lower `learning_rate`, leave out pairs of near-duplicates, or fine-tune on the chosen
    replies before DPO.

Where the limit comes from
    Razin et al. (arXiv 2410.08847) describe the displacement, which took a model from refusing 74 % of unsafe prompts to
    33 %; TRL issue 800 and issues 8 and 32 of the DPO repository show that a mild decrease is normal. The catalogue asks for
    0.5 nat a token, or 50 nats for high. The log holds no number of tokens, and fine-tuned models give about 1 nat to each
    token of their data, so half of the reference's log-probability stands for 0.5 nat a token; 50 nats are nothing in a long
    reply, so high asks for the doubled log-probability as well. `rewards/chosen` divided by `beta` is the change of the very
    replies in the batch, so what the batch consists of does not matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import blame, cadence
from rldk_tui.diagnosis.beside import SmoothPast, last_known, smoothed
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, rolling_median

_LEAST_BETA = 1e-6
CHOSEN, LOGPS, MARGIN = "rewards/chosen", "logps/chosen", "rewards/margins"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the chosen replies may lose, as a share of their log-probability under the reference.

    Attributes:
        nats: Nats a reply must have lost besides, for high.
        logs: Logs in the median.
        least: Nats the reference must give a reply for a share of them to mean anything.
    """

    warning: float = 0.5
    high: float = 1.0
    nats: float = 50.0
    logs: int = 20
    least: float = 1.0


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept."""

    shares: Floats = field(default_factory=lambda: NOTHING_YET)
    nats: Floats = field(default_factory=lambda: NOTHING_YET)
    logps: float = math.nan
    margin: SmoothPast = field(default_factory=SmoothPast)
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def applies(info: RunInfo) -> str | None:
    """DPO with a known beta, by which rewards turn into log-probabilities."""
    if info.algorithm is not Algorithm.DPO:
        return "this trainer does not learn from a fixed set of pairs"
    beta = info.setting("beta")
    return None if beta is not None and beta > 0 else "beta is not known or 0, so rewards tell no log-probability"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """What the chosen replies of the batch have lost since the reference, while the margin is positive."""
    limits: Limits = context.limits
    info = context.info
    size = cadence.window(limits.logs, info)
    at, rewards = finite_rows(rows, CHOSEN)
    logps, last_logps = last_known(rows, at, LOGPS, past.logps)
    change = rewards / max(info.setting("beta") or 1.0, _LEAST_BETA)
    reference = np.abs(logps - change)
    known = reference >= limits.least
    share, kept = rolling_median(np.divide(-change, reference, out=np.zeros(at.size), where=known), past.shares, size, size)
    nats, kept_nats = rolling_median(-change, past.nats, size, size)
    margin, kept_margin = smoothed(rows, at, MARGIN, size, past.margin)
    facts, rate = blame.learning_rates(rows, at, past.rate)
    grows = margin > 0
    level = graded(
        [grows & (share > limits.high) & (nats > limits.nats), grows & (share > limits.warning)],
        [Severity.HIGH.rank, Severity.WARNING.rank],
    )
    return Verdict(
        at=at,
        breach=known & (-change > limits.warning * reference),
        level=level,
        value=share,
        limit=np.full(at.size, limits.warning),
        past=Past(kept, kept_nats, last_logps, kept_margin, rate),
        facts={**facts, "nats": nats, "margin": margin},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    beta = info.setting("beta")
    nats = episode.facts["nats"]
    advice = [
        blame.set_to(
            info,
            "loss_type",
            "Add the likelihood of the chosen reply to the loss",
            '["sigmoid", "sft"]',
            current=info.config.get("loss_type"),
        ),
        blame.set_to(info, "beta", "Hold the policy nearer to the reference", f"{2 * (beta or 0.05):.2g}", current=beta),
        blame.lower_learning_rate(episode, info),
        Advice(text="Leave out pairs whose two replies hardly differ."),
    ]
    return Telling(
        summary=f"While the margin grew, the chosen replies had lost {nats:.3g} nats each by step {episode.detected_step}, and "
        f"{percent(episode.peak)} of their log-probability under the reference at step {episode.peak_step} "
        f"(limit {percent(episode.limit)}).",
        cause=blame.cause(episode, info)
        or "The margin grows by making both replies of a pair less likely: probability moves to text that is in no pair.",
        advice=tuple(advice),
    )


RULE = RowRule(
    family=Family.PREFERENCE,
    reads=(CHOSEN,),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.logs,
    ceiling=Severity.HIGH,
    explained_by=("lr-jump", "lr-out-of-band"),
)
