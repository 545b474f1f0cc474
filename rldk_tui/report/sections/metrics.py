"""Every metric that no other section tells of, as a small chart on the same step axis."""

from __future__ import annotations

from rldk_tui.report.cards import Cards, cards_of
from rldk_tui.report.sections import Section
from rldk_tui.report.themes import Theme, names_of
from rldk_tui.session import RunHealth


def build(health: RunHealth) -> Cards | None:
    """None where every metric has its place elsewhere; empty if nothing was logged at all."""
    cards = cards_of(health, names_of(health.snapshot, Theme.REST))
    return cards if cards or not health.snapshot.shown_names() else None


SECTION = Section(title="Other metrics", order=44, build=build, template="metrics")
