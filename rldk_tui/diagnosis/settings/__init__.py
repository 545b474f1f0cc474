"""What a person set in `rldk.toml`: limits of rules, mutes, severities, bands of metrics, rules of their own.

`files` finds the files and joins them, the nearer one before the farther one; `checked` holds every word of them to what is
allowed, `limits` the limits; `apply` gives the rules as they hold for a run. What a file in a run's directory can do is to
hide findings, which is told as not evaluated, and to add some.
"""

from rldk_tui.diagnosis.settings.apply import configured
from rldk_tui.diagnosis.settings.files import read_settings
from rldk_tui.diagnosis.settings.values import NO_SETTINGS, RuleSettings, Settings

__all__ = ["NO_SETTINGS", "RuleSettings", "Settings", "configured", "read_settings"]
