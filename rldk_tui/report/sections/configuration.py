"""How the run was set up: what is risky, what is set otherwise than by default, what findings would change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rldk_tui.analysis.config_defaults import defaults_version, set_otherwise
from rldk_tui.events import Advice, Finding, Json, Severity
from rldk_tui.report.manual import rule_title
from rldk_tui.report.sections import Section
from rldk_tui.report.texts import written
from rldk_tui.session import RunHealth
from rldk_tui.summary.config_audit import advised, of_settings


@dataclass(frozen=True, slots=True)
class Risk:
    """A setting that a rule finds fault with."""

    finding: str
    rule: str
    title: str
    severity: Severity
    summary: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One parameter.

    Attributes:
        default: What it is where nobody sets it; None where it is that, or no default is known.
        proposed: What an open finding would have instead, and `finding` which one.
    """

    name: str
    value: str
    default: str | None
    proposed: str | None
    finding: str | None
    rule: str | None


@dataclass(frozen=True, slots=True)
class Configuration:
    """The trainer's settings.

    Attributes:
        missing: Whether no source tells them.
        changed: Set otherwise than by default.
        rest: As by default, or without a known one.
        version: Of the trainer whose defaults are compared with.
    """

    missing: bool
    risks: tuple[Risk, ...]
    changed: tuple[Setting, ...]
    rest: tuple[Setting, ...]
    version: str


def build(health: RunHealth) -> Configuration:
    """Always there: that the settings are not known is worth saying."""
    info = health.snapshot.info
    changes = advised(health.findings)
    other = set_otherwise(info.config, info.algorithm)
    return Configuration(
        missing=not info.config,
        risks=tuple(_risks(health)),
        changed=tuple(_setting(name, value, changes, written(default)) for name, (value, default) in other.items()),
        rest=tuple(_setting(name, value, changes) for name, value in sorted(info.config.items()) if name not in other),
        version=defaults_version(),
    )


def _risks(health: RunHealth) -> Iterator[Risk]:
    for found in of_settings(health.findings):
        yield Risk(found.id, found.rule, rule_title(found.rule), found.severity, found.summary)


def _setting(name: str, value: Json, changes: Mapping[str, tuple[Finding, Advice]], default: str | None = None) -> Setting:
    finding, advice = changes.get(name, (None, None))
    return Setting(
        name=name,
        value=written(value),
        default=default,
        proposed=None if advice is None else advice.proposed,
        finding=None if finding is None else finding.id,
        rule=None if finding is None else finding.rule,
    )


SECTION = Section(title="Configuration", order=55, build=build, template="configuration")
