"""Whether the updates were steady: distance from the reference, entropy, clipping, gradients, learning rate."""

from __future__ import annotations

from rldk_tui.report.cards import Cards, cards_of
from rldk_tui.report.sections import Section
from rldk_tui.report.themes import Theme, names_of
from rldk_tui.session import RunHealth


def build(health: RunHealth) -> Cards | None:
    """None where nothing of it was logged."""
    return cards_of(health, names_of(health.snapshot, Theme.STABILITY)) or None


SECTION = Section(title="Stability", order=30, build=build, template="stability")
