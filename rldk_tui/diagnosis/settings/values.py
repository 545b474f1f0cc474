"""The settings of a run, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rldk_tui.diagnosis.user_rules import UserRule
from rldk_tui.events import Severity
from rldk_tui.metrics import Band


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """What is set for one rule.

    Attributes:
        limits: New values for fields of its `Limits`.
        muted: Why it says nothing, in words; None while it speaks.
        at_most, at_least: Bounds of the severity of what it says.
    """

    limits: Mapping[str, Any] = field(default_factory=dict)
    muted: str | None = None
    at_most: Severity | None = None
    at_least: Severity | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What is set for a run.

    Attributes:
        rules: By id.
        bands: Normal values in place of the catalogue's, by canonical name of the metric.
        user_rules: In the order of their ids.
        files: What was read, the nearest first.
    """

    rules: Mapping[str, RuleSettings] = field(default_factory=lambda: MappingProxyType({}))
    bands: Mapping[str, Band] = field(default_factory=lambda: MappingProxyType({}))
    user_rules: tuple[UserRule, ...] = ()
    files: tuple[Path, ...] = ()


NO_SETTINGS = Settings()
