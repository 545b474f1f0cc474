"""What the value function foretells, and the advantages it leaves: for trainers that have one."""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.events import Algorithm
from rldk_tui.report.cards import Cards, cards_of
from rldk_tui.report.sections import Section
from rldk_tui.report.themes import Theme, logged_any, names_of
from rldk_tui.session import RunHealth

_EXPLAINED = ("explained_variance", "hook/explained_variance")


@dataclass(frozen=True, slots=True)
class Value:
    """What was logged of values and advantages.

    Attributes:
        unexplained: Whether this is PPO and how much of the returns the value function foretells is not known.
    """

    cards: Cards
    unexplained: bool


def build(health: RunHealth) -> Value | None:
    """None where nothing of it was logged."""
    snapshot = health.snapshot
    cards = cards_of(health, names_of(snapshot, Theme.VALUE))
    if not cards:
        return None
    return Value(cards, snapshot.info.algorithm is Algorithm.PPO and not logged_any(snapshot, _EXPLAINED))


SECTION = Section(title="Value and advantage", order=32, build=build, template="value")
