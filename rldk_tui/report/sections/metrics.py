"""Every metric that no other section tells of as a small chart, and what checks calculate with as numbers."""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.report.cards import Cards, MetricCard, cards_of
from rldk_tui.report.sections import Section
from rldk_tui.report.themes import Theme, names_of
from rldk_tui.session import RunHealth


@dataclass(frozen=True, slots=True)
class OtherMetrics:
    """What is left.

    Attributes:
        cards: Of what people read.
        workings: Of what checks calculate with.
    """

    cards: Cards
    workings: tuple[MetricCard, ...]


def build(health: RunHealth) -> OtherMetrics | None:
    """None where every metric has its place elsewhere; empty if nothing was logged at all."""
    cards = cards_of(health, names_of(health.snapshot, Theme.REST))
    workings = cards_of(health, names_of(health.snapshot, Theme.WORKINGS), most=0)
    numbers = (*workings.constant, *(card for card, _ in workings.same), *workings.listed)
    return OtherMetrics(cards, numbers) if cards or numbers or not health.snapshot.shown_names() else None


SECTION = Section(title="Other metrics", order=44, build=build, template="metrics")
