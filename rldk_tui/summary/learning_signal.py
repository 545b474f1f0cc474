"""The account of the learning signal in words."""

from __future__ import annotations

from rldk_tui.analysis.learning_signal import LearningSignal
from rldk_tui.charts.format import count, percent

MUCH = 0.3
"""Share of replies that taught nothing from which on it is worth a warning."""
RISE = 0.02
"""Difference of two shares below which nothing is said of it."""


def sentence(told: LearningSignal) -> str:
    """The share of the last logs' replies that taught nothing, and whether it changed."""
    least = "at least " if len(told.parts) > 1 else ""
    change = ""
    if told.before is not None and abs(told.share - told.before) >= RISE:
        change = f" {'▲' if told.share > told.before else '▼'} from {percent(told.before)} before"
    return f"{least}{percent(told.share)} of the last {count(told.logs)} logs' replies taught nothing{change}"


def advice(told: LearningSignal) -> list[str]:
    """What would waste less."""
    if told.share < RISE:
        return ["Nothing: the work is used."]
    said = [
        "Leave out prompts that are solved every time or never, sample more replies a prompt (num_generations), or raise the "
        "temperature, so that the replies of a group differ in reward.",
    ]
    if told.masked and told.truncated:
        said.append("Allow longer replies (max_completion_length), or pay for ending: masked replies cost as much as others.")
    return said
