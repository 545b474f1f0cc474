"""Every word of an `rldk.toml` held to what is allowed."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from rldk_tui.charts.text import one_line
from rldk_tui.diagnosis.expressions import STEP, ExpressionError, expression
from rldk_tui.diagnosis.rule import NamedRule
from rldk_tui.diagnosis.settings.limits import annotation_of, checked_limit, limit_names
from rldk_tui.diagnosis.settings.place import Place
from rldk_tui.diagnosis.user_rules import UserRule
from rldk_tui.events import Severity
from rldk_tui.metrics import Band, canonical

SECTIONS = ("rules", "bands", "user_rules")
_COMMON = ("mute", "severity", "at_least")
"""What can be set for any rule."""
_USER_RULE = ("id", "expr", "for", "severity", "summary", "text", "advice", "metric")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MOST_OF_A_KIND = 100
_LONGEST_RUN = 1000
_LONGEST_NAME = 60
_LONGEST_TEXT = 400


def table(place: Place, value: object) -> dict[str, Any]:
    """The value, if it is a table."""
    if not isinstance(value, dict):
        raise place.wrong("must be a table", value)
    if len(value) > MOST_OF_A_KIND:
        raise place.wrong(f"must have at most {MOST_OF_A_KIND} entries")
    return value


def rule_setting(place: Place, named: NamedRule, key: str, value: object) -> object:
    """One setting of a rule: one of its limits, or what can be set for any rule.

    Raises:
        UserError: naming what is allowed.
    """
    limits = limit_names(named.rule.limits)
    if key in limits:
        return checked_limit(place / key, value, limits[key], annotation_of(named.rule.limits, key))
    if key == "mute":
        return _mute(place / key, value)
    if key in ("severity", "at_least"):
        return severity(place / key, value)
    raise place.unknown("setting", key, [*limits, *_COMMON])


def _mute(place: Place, value: object) -> str | None:
    """Why the rule is muted; None if it is not."""
    if value is False:
        return None
    if value is not True and not isinstance(value, str):
        raise place.wrong("must be true, false or the reason as a text", value)
    reason = f": {text(place, value)}" if isinstance(value, str) and value.strip() else ""
    return f"muted in {place.source}{reason}"


def severity(place: Place, value: object) -> Severity:
    """The severity of this name."""
    if not isinstance(value, str) or value not in list(Severity):
        raise place.wrong(f"must be {', '.join(list(Severity)[:-1])} or {Severity.CRITICAL}", value)
    return Severity(value)


def text(place: Place, value: object) -> str:
    """The text on one line, nothing in it that steers a terminal."""
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise place.wrong(f"must be a text of at most {_LONGEST_TEXT} characters", value)
    return one_line(" ".join(value.split()))


def metric(place: Place, value: object) -> str:
    """A metric's name."""
    if not isinstance(value, str) or not value.strip() or one_line(value) != value or len(value) > _LONGEST_TEXT:
        raise place.wrong("must be the name of a metric", value)
    return value


def band(place: Place, value: object) -> Band:
    """The band `[low, high]`; an end may be `-inf` or `inf`."""
    numbers = value if isinstance(value, list) else []
    plain = all(isinstance(end, int | float) and not isinstance(end, bool) for end in numbers)
    allowed = "must be two numbers, the lower one first ([0.0, 0.3], or [0.0, inf] for an open end)"
    if len(numbers) != 2 or not plain:
        raise place.wrong(allowed, value)
    low, high = (float(min(max(end, -1e300), 1e300)) if isinstance(end, int) else end for end in numbers)
    infinite = float("inf")
    if not low < high or low == infinite or high == -infinite or (low == -infinite and high == infinite):
        raise place.wrong(allowed, value)
    return Band(None if low == -infinite else low, None if high == infinite else high, place.source)


def user_rule(place: Place, value: object, taken: Collection[str]) -> UserRule:
    """One of `[[user_rules]]`.

    Args:
        place: Where it stands.
        value: What stands there.
        taken: Ids of the rules that are not the user's.

    Raises:
        UserError: naming what is allowed.
    """
    said = table(place, value)
    for key in said:
        if key not in _USER_RULE:
            raise place.unknown("setting", key, _USER_RULE)
    rule_id = said.get("id")
    if not isinstance(rule_id, str) or len(rule_id) > _LONGEST_NAME or not _ID.fullmatch(rule_id):
        raise (place / "id").wrong(
            f"must be a name of small letters, digits and single dashes, of at most {_LONGEST_NAME} characters", rule_id or ""
        )
    if rule_id in taken:
        raise (place / "id").wrong("is the name of a rule that exists; give yours another one", rule_id)
    written = said.get("expr")
    if not isinstance(written, str):
        raise (place / "expr").wrong('must be a condition over metrics, such as expr = "kl > 15"')
    try:
        condition = expression(written)
    except ExpressionError as failure:
        raise (place / "expr").wrong(one_line(str(failure))) from failure
    logs = said.get("for", 1)
    if not isinstance(logs, int) or isinstance(logs, bool) or not 1 <= logs <= _LONGEST_RUN:
        raise (place / "for").wrong(f"must be a whole number of logs from 1 to {_LONGEST_RUN}", logs)
    if "summary" in said and "text" in said:
        raise (place / "text").wrong("is another word for summary; write one of them")
    summary = "text" if "text" in said else "summary"
    return UserRule(
        id=rule_id,
        condition=condition,
        consecutive=logs,
        severity=severity(place / "severity", said.get("severity", Severity.WARNING.value)),
        summary=text(place / summary, said.get(summary, "")),
        advice=text(place / "advice", said.get("advice", "")),
        metric=_drawn(place / "metric", said, condition.metrics),
        source=place.source,
    )


def _drawn(place: Place, said: Mapping[str, Any], metrics: tuple[str, ...]) -> str:
    """The metric that is drawn: one of the condition."""
    if "metric" not in said:
        return metrics[0]
    name = canonical(metric(place, said["metric"]))
    if name not in metrics:
        raise place.wrong(f"must be one of the metrics of expr ({', '.join(name for name in metrics if name != STEP)})", name)
    return name
