"""All rules: those of `diagnosis/rules/` by a walk of the folder, third parties' by the entry point `rldk_tui.rules`."""

from __future__ import annotations

import pkgutil
import re
import warnings
from collections.abc import Iterable
from functools import cache, partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from rldk_tui.diagnosis import rules
from rldk_tui.diagnosis.border import guarded
from rldk_tui.diagnosis.rule import MANUAL_HEADINGS, ConfigRule, NamedRule, RowRule, StateRule
from rldk_tui.errors import RldkError, UserError

ENTRY_POINT = "rldk_tui.rules"
_ID = re.compile("[a-z0-9]+(-[a-z0-9]+)*")


def named_rule(name: str, module: ModuleType) -> NamedRule:
    """The rule a module holds.

    Raises:
        RldkError: naming what the module lacks.
    """
    rule = getattr(module, "RULE", None)
    if not isinstance(rule, RowRule | ConfigRule | StateRule):
        raise RldkError(f"{module.__name__}: a rule module needs a constant RULE, a RowRule, a ConfigRule or a StateRule")
    manual = module.__doc__ or ""
    missing = [heading for heading in MANUAL_HEADINGS if heading not in manual]
    if missing:
        raise RldkError(f"{module.__name__}: its docstring lacks {', '.join(missing)}")
    rule_id = name.replace("_", "-")
    if not _ID.fullmatch(rule_id):
        raise RldkError(f"{module.__name__}: {name!r} is no name for a rule: small letters, digits and single dashes")
    return NamedRule(rule_id, rule, manual)


@cache
def load_rules() -> tuple[NamedRule, ...]:
    """Every rule, by id. A third party's rule that fails to load is named in a warning and left out."""
    known = {
        named.id: named
        for named in (
            named_rule(found.name, import_module(f"{rules.__name__}.{found.name}"))
            for found in pkgutil.iter_modules(rules.__path__)
        )
    }
    for point in entry_points(group=ENTRY_POINT):
        guarded(partial(_add, known, point), partial(_leave_out, point))
    return tuple(sorted(known.values(), key=lambda rule: rule.id))


def _add(known: dict[str, NamedRule], point: EntryPoint) -> None:
    named = named_rule(point.name, point.load())
    if named.id in known:
        raise RldkError("there is a rule of this name already")
    known[named.id] = named


def _leave_out(point: EntryPoint, failure: Exception) -> None:
    reason = str(failure) if isinstance(failure, RldkError) else f"{type(failure).__name__}: {failure}"
    warnings.warn(f"rule {point.name} of {_package(point)} is left out: {reason}", stacklevel=2)


def _package(point: EntryPoint) -> str:
    """Who offers it."""
    return "an unknown package" if point.dist is None else f"{point.dist.name} {point.dist.version}"


def find_rule(rule_id: str, rules: Iterable[NamedRule]) -> NamedRule:
    """The rule of this id among these.

    Raises:
        UserError: if there is none; the hint names the nearest ids.
    """
    from difflib import get_close_matches

    known = {rule.id: rule for rule in rules}
    if rule_id not in known:
        near = get_close_matches(rule_id, known, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(near)}?" if near else "rldk rules lists them all."
        raise UserError(f"There is no rule {rule_id!r}.", hint)
    return known[rule_id]
