"""Nothing holds the policy back from exploiting its reward model.

What it means
    The reward comes from a learned model, the KL penalty is off, and no other reward stands beside it. Far from the text it was
    trained on a reward model is wrong, and a policy that is paid by it alone finds those places: the reward rises while
    the replies get worse, and with no KL in the log nothing here will show it.

Why it happens
    `beta` is 0 by default in TRL's GRPO, because rewards that can be checked (a right answer, passing tests) need no penalty.
    With a reward model in their place the default is taken over without the reason for it.

What to do
    Set `beta` (GRPO 0.001 to 0.04, RLOO 0.05) or PPO's `kl_coef` (0.05): the reference model is then loaded, and the KL is
    logged. Or hold some prompts out and score them with something the policy is not trained on.

Where the limit comes from
    Nothing to measure. Gao et al. (arXiv 2210.10760) show how the true quality falls again as the KL to the start grows,
    while the learned reward still rises; DAPO (arXiv 2503.14476) leaves the penalty out for rewards that are checked by
    rules. TRL issue 4040 tells of the default. Catalogue: a warning; a remark where evaluation is set up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.rule import ConfigRule, Family, StateVerdict, Telling
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import RunInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """A coefficient up to this is none."""

    coefficient: float = 0.0


LIMITS = Limits()
_ALWAYS_A_MODEL = frozenset({Algorithm.PPO})
"""TRL's PPO takes no reward but a model's."""
_PROPOSED = {Algorithm.GRPO: "0.01", Algorithm.ONLINE_DPO: "0.1"}


def models_and_functions(info: RunInfo) -> tuple[bool, bool] | None:
    """Whether a model pays, and whether a function of code does; None where the run does not tell.

    A reward that TRL is given as text is a model's name or path (`org/model`); its scripts also give the names of functions
    there, which have no slash.
    """
    told = info.config.get("reward_funcs")
    named = [told] if isinstance(told, str) else told if isinstance(told, Iterable) else ()
    names = [name for name in named if isinstance(name, str) and name]
    model = info.config.get("reward_model_name_or_path") or info.config.get("reward_model")
    if info.algorithm in _ALWAYS_A_MODEL or (isinstance(model, str) and model):
        return True, any("/" not in name for name in names)
    return (any("/" in name for name in names), any("/" not in name for name in names)) if names else None


def applies(info: RunInfo) -> str | None:
    """Only where a reward model is known to pay for sampled replies."""
    if info.algorithm is not None and info.algorithm not in ONLINE:
        return "this trainer samples no replies"
    paid = models_and_functions(info)
    if paid is None:
        return "where the reward comes from is not recorded"
    return None if paid[0] else "the reward is computed by code, which a policy cannot lead astray as it can a model"


def judge(info: RunInfo, limits: Limits) -> StateVerdict | None:
    """No penalty, and no second opinion among the rewards."""
    parameter = "kl_coef" if info.algorithm is Algorithm.PPO else "beta"
    coefficient, paid = info.setting(parameter), models_and_functions(info)
    if coefficient is None or coefficient > limits.coefficient or paid != (True, False):
        return None
    held_out = info.config.get("eval_strategy") not in (None, "no")
    proposed = "0.05" if info.algorithm is None else _PROPOSED.get(info.algorithm, "0.05")
    return StateVerdict(
        severity=Severity.INFO if held_out else Severity.WARNING,
        telling=Telling(
            summary=f"A reward model alone pays for the replies and {parameter} is {coefficient:g}: "
            "nothing keeps the policy where that model is right.",
            cause="A policy that may drift freely finds what its reward model scores too high.",
            advice=(
                set_to(info, parameter, "Hold the policy near its reference", proposed, current=coefficient),
                Advice(text="Score held-out prompts with something the policy is not paid by, and stop when that falls."),
            ),
        ),
    )


RULE = ConfigRule(
    family=Family.CONFIG,
    settings=("beta", "kl_coef"),
    judge=judge,
    limits=LIMITS,
    applies=applies,
    ceiling=Severity.WARNING,
)
