"""The padding token is the end token, and the trainer takes ends for padding.

What it means
    Wherever a trainer leaves out padding by its token, the end of each reply is left out too. In PPO the end token gets no
    attention, and the score is read one token too early; in older versions of SFT the end token is never a label, so the
    model learns everything but to stop.

Why it happens
    Many tokenizers have no padding token, and `tokenizer.pad_token = tokenizer.eos_token` is the advice found everywhere. For
    models that are only used it is harmless.

What to do
    Give the tokenizer a padding token of its own, `tokenizer.add_special_tokens({"pad_token": "[PAD]"})`, resize the
    embeddings, and write the id into the model's config. In SFT with a TRL before 0.18, updating TRL is enough.

Where the limit comes from
    Nothing to measure: the two are the same token or they are not. TRL issues 976, 1005 and 1623 tell of models that never
    stop. TRL's PPO masks by the token in every version, which is high; SFT did before 0.18, a warning; later trainers keep a
    mask beside the tokens and set the padding to the end token themselves where there is none, so there it is a remark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.rule import ConfigRule, Family, StateVerdict, Telling
from rldk_tui.events import Advice, Algorithm, Json, Severity
from rldk_tui.run import RunInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """The first version of TRL whose SFT masks padding by position and not by token."""

    by_position: tuple[int, int] = (0, 18)


LIMITS = Limits()
_PLACEHOLDER = re.compile(r"<(PAD|EOS)_TOKEN>")
"""What TRL writes where the tokenizer's own token is meant."""


def _tokens(value: Json) -> set[Json]:
    """A token's id or text, or several; nothing where none is told."""
    several = value if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
    return {
        token
        for token in several
        if (isinstance(token, int) and not isinstance(token, bool))
        or (isinstance(token, str) and token and not _PLACEHOLDER.fullmatch(token))
    }


def _shared(info: RunInfo) -> Json:
    """The token that is both; None if there is none, or if that is not known."""
    for pad, end in (("pad_token_id", "eos_token_id"), ("pad_token", "eos_token")):
        both = _tokens(info.config.get(pad)) & _tokens(info.config.get(end))
        if both:
            return next(iter(both))
    return None


def _before(version: str | None, first: tuple[int, int]) -> bool:
    found = re.match(r"(\d+)\.(\d+)", version or "")
    return found is not None and (int(found[1]), int(found[2])) < first


def judge(info: RunInfo, limits: Limits) -> StateVerdict | None:
    """One token for both."""
    token = _shared(info)
    if token is None:
        return None
    own = Advice(text='Give the tokenizer a padding token of its own: add_special_tokens({"pad_token": "[PAD]"}), then resize.')
    if info.algorithm is Algorithm.PPO:
        severity, cause = Severity.HIGH, "PPO finds padding by its token: the end of a reply gets no attention and no score."
    elif info.algorithm is Algorithm.SFT and _before(info.versions.get("trl"), limits.by_position):
        severity, cause = Severity.WARNING, "This version of SFT masks padding by its token, so no end is ever a label."
    else:
        severity, cause = Severity.INFO, "This trainer keeps a mask beside the tokens; code of your own may not."
    advice = (own, set_to(info, "pad_token", "Tell the trainer", "[PAD]", current=info.config.get("pad_token")))
    return StateVerdict(
        severity=severity,
        telling=Telling(
            summary=f"Padding and end of text are the same token, {token!r}.",
            cause=cause,
            advice=advice if "pad_token" in info.config else (own,),
        ),
    )


RULE = ConfigRule(family=Family.CONFIG, settings=("pad_token_id", "pad_token"), judge=judge, limits=LIMITS)
