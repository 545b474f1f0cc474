"""Long replies are thrown away by the importance-sampling mask.

What it means
    TRL multiplies the ratio between trainer and sampler over all tokens of a reply, and by default drops a reply whose product
    leaves the limit. Small differences a token then add up with length: long replies are masked, short ones are kept, and the
    policy learns from what is short.

Why it happens
    `vllm_importance_sampling_mode` works on whole sequences by default (`sequence_mask`), with a limit of 3. A hundred tokens
    that differ by 0.012 nat each make a ratio of 3.3, although nothing is wrong with any of them.

What to do
    Set `vllm_importance_sampling_mode="token_truncate"`, which judges token by token, or raise
    `vllm_importance_sampling_clip_max`; shorter replies help as well. If the difference a token is large, mend that first: it
    is the finding rollout-mismatch.

Where the limit comes from
    Catalogue: a mean ratio below 0.5 in five of ten logs is high. TRL logs the ratio after masking (TRL issue 5231), so a low
    mean says how much is thrown away (TRL issues 4772 and 5814: 0.57 with the product where the tokens' mean was 0.99; a
    public run logged 0.465). The catalogue's other sign, the mean difference times the length beyond the logarithm of the
    limit, is only told beside it: it is an upper bound, since differences of both signs cancel, and sound runs with long
    replies pass it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.beside import last_known
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n

RATIO = "sampling/importance_sampling_ratio/mean"
MODE, CLIP = "vllm_importance_sampling_mode", "vllm_importance_sampling_clip_max"
_OLDER_CLIP = "vllm_importance_sampling_cap"


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        kept: Mean ratio below which too much is thrown away.
        clip: The trainer's limit of the ratio where the config does not tell.
    """

    kept: float = 0.5
    clip: float = 3.0
    m: int = 5
    n: int = 10


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; the last words on length and difference."""

    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    length: float = math.nan
    gap: float = math.nan


def applies(info: RunInfo) -> str | None:
    """Only where whole sequences are judged; without a word from the config that is the default."""
    if info.config.get("vllm_importance_sampling_correction") is False:
        return "the difference between sampler and trainer is not corrected for"
    mode = info.config.get(MODE)
    by_token = isinstance(mode, str) and not mode.startswith("sequence")
    return "the ratio is judged token by token" if by_token else None


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The mean ratio that is left after masking."""
    limits: Limits = context.limits
    at, ratio = finite_rows(rows, RATIO)
    length, last_length = last_known(rows, at, "completions/mean_length", past.length)
    gap, last_gap = last_known(rows, at, "sampling/sampling_logp_difference/mean", past.gap)
    low = ratio < limits.kept
    held, flags = m_of_n(low, past.flags, *cadence.persistence(limits.m, limits.n, context.info))
    return Verdict(
        at=at,
        breach=low,
        level=held * np.int8(Severity.HIGH.rank),
        value=ratio,
        limit=np.full(at.size, limits.kept),
        past=Past(flags, last_length, last_gap),
        facts={"length": length, "gap": gap},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    clip = info.setting(CLIP) or info.setting(_OLDER_CLIP) or limits.clip
    parameter = CLIP if CLIP in info.config or _OLDER_CLIP not in info.config else _OLDER_CLIP
    return Telling(
        summary=f"The mean importance ratio is down to {episode.peak:.2g} by step {episode.peak_step} (limit "
        f"{episode.limit:g}), so many replies are thrown away.",
        cause=f"The ratio is multiplied over all tokens, so the longer a reply, the sooner it is masked{_sum(episode)}.",
        advice=(
            set_to(info, MODE, "Judge token by token", "token_truncate", current=info.config.get(MODE)),
            set_to(info, parameter, "Or allow a larger ratio", f"{3 * clip:g}", current=info.setting(parameter)),
        ),
    )


def _sum(episode: Episode) -> str:
    """What the differences may add up to over a reply, for a sentence."""
    gap, length = episode.facts.get("gap", 0.0), episode.facts.get("length", 0.0)
    largest = gap * length
    if not 0.0 < largest < _TELLABLE:
        return ""
    return f": {gap:.2g} nat a token over {length:.0f} tokens may make a ratio of {math.exp(largest):.3g}"


_TELLABLE = 50.0


RULE = RowRule(
    family=Family.POLICY,
    reads=(RATIO,),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.n,
    worst=np.argmin,
    ceiling=Severity.HIGH,
    explained_by=("rollout-mismatch",),
)
