"""The importance ratio of vLLM's replies is wrong because sampling is cut.

What it means
    The trainer weighs each token by the ratio of its own probability to vLLM's. With `top_p`, `top_k` or `min_p` vLLM's
    probabilities are those after the cut, the trainer's those of all tokens: every ratio is too small by the share of the
    probability that the cut leaves, so the gradient shrinks, more so for long replies, and whole replies may be masked out.

Why it happens
    `vllm_importance_sampling_correction` is on by default and mends the small differences between vLLM and the trainer; it
    knows nothing of a sampler that cuts. The shrinking is no change of the policy, and no other metric shows it.

What to do
    Sample from the whole distribution while training: `top_p=1.0`, `top_k=0`, `min_p=None`. To keep the cut, set
    `vllm_importance_sampling_correction=False`, and watch `sampling/sampling_logp_difference/mean`.

Where the limit comes from
    Nothing to measure: TRL issue 6789 derives that the ratio is multiplied by exactly the probability mass that the cut
    leaves, at every token: 0.9 at `top_p=0.9`, and as little as 0.17 at `top_k=50` of a flat distribution. Catalogue: high.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.rule import ConfigRule, Family, StateVerdict, Telling
from rldk_tui.diagnosis.sampler import OWN_KWARGS, cuts, place
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import RunInfo

CORRECTION = "vllm_importance_sampling_correction"


@dataclass(frozen=True, slots=True)
class Limits:
    """A cut this slight is none: `top_p` or `min_p` so near to taking nothing that rounding does as much."""

    slight: float = 1e-3


LIMITS = Limits()


def applies(info: RunInfo) -> str | None:
    """Only where vLLM samples and its probabilities enter the loss."""
    if info.algorithm is not None and info.algorithm not in GROUPED:
        return "this trainer does not weigh replies by vLLM's probabilities"
    if info.config.get("use_vllm") is False:
        return "the trainer samples the replies itself (use_vllm=False)"
    return "the correction is switched off" if info.config.get(CORRECTION) is False else None


def judge(info: RunInfo, limits: Limits) -> StateVerdict | None:
    """A cut together with the correction."""
    if info.config.get("use_vllm") is not True or info.config.get(CORRECTION) is not True:
        return None
    found = [
        cut
        for cut in cuts(info)
        if not (cut.setting == "top_p" and cut.value > 1 - limits.slight)
        and not (cut.setting == "min_p" and cut.value < limits.slight)
    ]
    if not found:
        return None
    return StateVerdict(
        severity=Severity.HIGH,
        telling=Telling(
            summary=f"vLLM samples with {', '.join(map(str, found))} and its probabilities enter the loss "
            f"({CORRECTION}=True): every token's weight is too small.",
            cause="vLLM tells probabilities after the cut, the trainer computes them over all tokens; their ratio is the share "
            "of the probability that the cut leaves, not a change of the policy.",
            advice=(
                *(
                    Advice(text=f"Take {cut.setting} out of {OWN_KWARGS} while training.")
                    if place(info, cut.setting) == OWN_KWARGS
                    else set_to(info, cut.setting, "Sample from all tokens", cut.harmless, current=cut.value)
                    for cut in found
                ),
                set_to(info, CORRECTION, "If the cut must stay: weigh nothing by vLLM's probabilities", "False", current=True),
            ),
        ),
    )


RULE = ConfigRule(
    family=Family.CONFIG,
    settings=(CORRECTION,),
    judge=judge,
    limits=LIMITS,
    applies=applies,
    explained_by=("generation-config-risk",),
)
