"""What a finding is about. Fixed by the specification, whatever fired."""

from __future__ import annotations

from enum import StrEnum


class Family(StrEnum):
    """The narrower grouping: within one, the worst finding counts in full and the others a quarter."""

    KL = "kl"
    POLICY = "policy"
    VALUE = "value"
    GRADIENT = "gradient"
    REWARD = "reward"
    ADVANTAGE = "advantage"
    ENTROPY = "entropy"
    REWARD_MODEL = "rm"
    PREFERENCE = "pref"
    TEXT = "text"
    LENGTH = "length"
    NONFINITE = "nan"
    CHECKPOINT = "ckpt"
    OPTIMIZER = "optim"
    METRICS = "metrics"
    SYSTEM = "system"
    CONFIG = "config"


class Dimension(StrEnum):
    """The wider grouping, as people read it."""

    LEARNING = "learning signal"
    STABILITY = "update stability"
    OUTPUT = "output quality"
    NUMERICS = "numerics and artefacts"
    PIPELINE = "pipeline and system"


DIMENSIONS: dict[Dimension, tuple[float, tuple[Family, ...]]] = {
    Dimension.LEARNING: (
        0.30,
        (Family.REWARD, Family.ADVANTAGE, Family.ENTROPY, Family.REWARD_MODEL, Family.PREFERENCE),
    ),
    Dimension.STABILITY: (0.25, (Family.KL, Family.POLICY, Family.VALUE, Family.GRADIENT)),
    Dimension.OUTPUT: (0.20, (Family.TEXT, Family.LENGTH)),
    Dimension.NUMERICS: (0.15, (Family.NONFINITE, Family.CHECKPOINT, Family.OPTIMIZER)),
    Dimension.PIPELINE: (0.10, (Family.METRICS, Family.SYSTEM, Family.CONFIG)),
}
"""Each dimension's weight (they sum to 1) and its families."""
