"""Replies are sampled from another distribution than the one that is trained.

What it means
    The sampler leaves out tokens (`top_k`, `top_p`, `min_p`), bends their probabilities (`repetition_penalty`, a least
    length) or draws nearly always the likeliest one (a low `temperature`). The trainer takes the replies for samples of the
    whole distribution: KL estimates turn biased and even negative, logged entropy looks healthy while the replies to a prompt
    are alike, and what was never drawn is never learned.

Why it happens
    Settings for nice text were carried over from inference or from a model card. What helps one good answer to be found
    takes away the differences between answers, which are all that these trainers learn from.

What to do
    Train with `top_k=0`, `top_p=1.0`, `min_p=None`, `repetition_penalty=1.0`, no least length and a `temperature` near 1.0,
    and keep the nicer settings for evaluation and use.

Where the limit comes from
    TRL's training FAQ recommends these values for sampling in training; catalogue: anything else is a warning, and so is a
    temperature below 0.5. A `top_k` of 50 or more is worth no more than a remark: it was the default of TRL 0.16. Seen in
    trainings made for this catalogue: with `top_k=3` every group scored alike at an entropy of 3.8 nats, and with a
    temperature of 0.1 the entropy was spent within 12 steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.rule import ConfigRule, Family, StateVerdict, Telling
from rldk_tui.diagnosis.sampler import OWN_KWARGS, Cut, cuts, number, place, sampling
from rldk_tui.events import Advice, Json, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import RunInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        temperature: Below this the replies to a prompt are nearly alike.
        top_k: From this on a cut leaves nearly all of the probability.
    """

    temperature: float = 0.5
    top_k: float = 50.0


LIMITS = Limits()
_LEAST_LENGTHS = ("min_length", "min_new_tokens", "min_tokens")


def applies(info: RunInfo) -> str | None:
    """Only trainers that sample replies."""
    return None if info.algorithm is None or info.algorithm in ONLINE else "this trainer samples no replies"


def _bent(settings: Mapping[str, Json]) -> tuple[Cut, ...]:
    """What changes the tokens' probabilities without leaving any out."""
    penalty = number(settings, "repetition_penalty")
    lengths = [(name, number(settings, name)) for name in _LEAST_LENGTHS]
    return (
        *([Cut("repetition_penalty", penalty, "1.0")] if penalty is not None and penalty != 1.0 else []),
        *(Cut(name, length, "0") for name, length in lengths if length is not None and length > 0),
    )


def _narrow(settings: Mapping[str, Json], limits: Limits) -> tuple[Cut, ...]:
    """What leaves nearly nothing to chance."""
    temperature = number(settings, "temperature")
    return (
        *([Cut("temperature", temperature, "1.0")] if temperature is not None and temperature < limits.temperature else []),
        *([Cut("do_sample", 0.0, "True")] if settings.get("do_sample") is False else []),
    )


def judge(info: RunInfo, limits: Limits) -> StateVerdict | None:
    """Everything about the sampler that is not as it is trained."""
    settings = sampling(info)
    other, narrow = (*cuts(info), *_bent(settings)), _narrow(settings, limits)
    found = (*other, *narrow)
    if not found:
        return None
    faint = all(cut.setting == "top_k" and cut.value >= limits.top_k for cut in found)
    causes = (
        *(["The log-probabilities that are trained are those of the whole distribution, not of what was drawn."] * bool(other)),
        *(["Replies to a prompt that are nearly alike leave nothing to compare."] * bool(narrow)),
    )
    return StateVerdict(
        severity=Severity.INFO if faint else Severity.WARNING,
        telling=Telling(
            summary=f"Replies are sampled with {', '.join(map(str, found))}; for training, "
            f"{', '.join(f'{cut.setting}={cut.harmless}' for cut in found)} is recommended.",
            cause=" ".join(causes),
            advice=tuple(_advice(info, cut) for cut in found),
        ),
    )


def _advice(info: RunInfo, cut: Cut) -> Advice:
    where = place(info, cut.setting)
    if where == OWN_KWARGS:
        return Advice(text=f"Take {cut.setting} out of {OWN_KWARGS} while training.")
    return set_to(info, where, "Sample from the whole distribution while training", cut.harmless, current=cut.value)


RULE = ConfigRule(
    family=Family.CONFIG,
    settings=("temperature", "top_k", "top_p", "min_p", "repetition_penalty", OWN_KWARGS),
    judge=judge,
    limits=LIMITS,
    applies=applies,
    ceiling=Severity.WARNING,
)
