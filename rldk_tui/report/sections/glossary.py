"""What the words of the page mean, as the metrics' and the rules' own texts have it."""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.metrics import lookup
from rldk_tui.metrics.meanings import meaning_of
from rldk_tui.report.manual import rule_manual, rule_title
from rldk_tui.report.sections import Section
from rldk_tui.report.themes import Theme, theme_of
from rldk_tui.session import RunHealth


@dataclass(frozen=True, slots=True)
class MetricEntry:
    """A metric: what the number is, how it looks when all is well, what it is often taken for."""

    name: str
    title: str
    unit: str
    what: str
    healthy: str
    mistaken: str
    source: str


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """A check that was made."""

    rule: str
    title: str
    means: str


@dataclass(frozen=True, slots=True)
class Glossary:
    """Both in the order of the alphabet."""

    metrics: tuple[MetricEntry, ...]
    rules: tuple[RuleEntry, ...]


def build(health: RunHealth) -> Glossary | None:
    """Of what this run logged that somebody described, and what was checked of it; None where that is nothing."""
    algorithm = health.snapshot.info.algorithm
    names = {name.removeprefix("eval/").removeprefix("final/") for name in health.snapshot.shown_names()}
    metrics = sorted(
        (entry for name in names if _is_described(name) and _says(entry := _metric(name, lookup(name).unit_in(algorithm)))),
        key=lambda entry: entry.title.lower(),
    )
    rules = tuple(
        RuleEntry(rule, rule_title(rule), rule_manual(rule).get("What it means", "")) for rule in sorted(health.evaluated)
    )
    return Glossary(tuple(metrics), rules) if metrics or rules else None


def _is_described(name: str) -> bool:
    described = lookup(name).title != name or name.startswith("rewards/")
    return described and theme_of(name, None) is not Theme.WORKINGS


def _says(entry: MetricEntry) -> bool:
    """Whether it says more than its title."""
    return entry.what != entry.title or bool(entry.healthy or entry.mistaken)


def _metric(name: str, unit: str) -> MetricEntry:
    told = meaning_of(name)
    return MetricEntry(name, lookup(name).title, unit, told.what, told.healthy, told.mistaken, told.source)


SECTION = Section(title="Glossary", order=95, build=build, template="glossary")
