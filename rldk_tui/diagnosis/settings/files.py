"""The files of settings that hold for a run: its own, those of the project, the user's; the nearer one wins, key by key."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rldk_tui.charts.text import one_line
from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.custom_bands import band_rules
from rldk_tui.diagnosis.rule import NamedRule
from rldk_tui.diagnosis.settings import checked
from rldk_tui.diagnosis.settings.limits import limit_names
from rldk_tui.diagnosis.settings.place import HINT, Place
from rldk_tui.diagnosis.settings.values import NO_SETTINGS, RuleSettings, Settings
from rldk_tui.diagnosis.user_rules import UserRule
from rldk_tui.errors import UserError
from rldk_tui.events import Severity
from rldk_tui.metrics import Band, canonical

NAME = "rldk.toml"
_MOST_BYTES = 64 * 1024
_ROOTS = (".git", "pyproject.toml")


@dataclass(slots=True)
class _Joined:
    """What the files say so far, the nearer ones over the farther ones."""

    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    bands: dict[str, Band] = field(default_factory=dict)
    user_rules: dict[str, UserRule] = field(default_factory=dict)


def read_settings(run: Path | None = None) -> Settings:
    """What is set for a run, or for none in particular.

    Raises:
        UserError: naming the file, the key and what is allowed there.
    """
    said = [(file, content) for file in files_for(run) if (content := _read(file)) is not None]
    if not said:
        return NO_SETTINGS
    own = {named.id: named for named in load_rules()}
    joined = _Joined()
    for file, content in reversed(said):
        _join_definitions(joined, Place(file), content, own)
    users = [rule.named() for rule in joined.user_rules.values()]
    rules = {**own, **{named.id: named for named in (*users, *band_rules(joined.bands))}}
    for file, content in reversed(said):
        _join_rules(joined, Place(file), content, rules)
    return Settings(
        rules={rule_id: _of_rule(rules[rule_id], settings) for rule_id, settings in joined.rules.items()},
        bands=joined.bands,
        user_rules=tuple(joined.user_rules[rule_id] for rule_id in sorted(joined.user_rules)),
        files=tuple(file for file, _ in said),
    )


def files_for(run: Path | None) -> tuple[Path, ...]:
    """Where settings may lie, the nearest first, each place once."""
    folders = [*([] if run is None else [run]), *_project(), *_of_user()]
    places: dict[str, Path] = {}
    for folder in folders:
        places.setdefault(os.path.realpath(folder), folder)
    return tuple(folder / NAME for folder in places.values())


def _project() -> Iterator[Path]:
    """The working directory and those above it, up to the root of its repository; without a root, it alone."""
    try:
        here = Path.cwd()
    except OSError:
        return
    above = [here, *here.parents]
    root = next((folder for folder in above if any(os.path.lexists(folder / name) for name in _ROOTS)), here)
    yield from above[: above.index(root) + 1]


def _of_user() -> Iterator[Path]:
    """The user's directory of configuration."""
    configured = os.environ.get("XDG_CONFIG_HOME", "")
    if Path(configured).is_absolute():
        yield Path(configured) / "rldk"
        return
    try:
        yield Path.home() / ".config" / "rldk"
    except RuntimeError:
        return


def _read(file: Path) -> dict[str, Any] | None:
    """What the file says; None if there is none.

    Raises:
        UserError: if it is no TOML, or no file of a size that a person writes.
    """
    try:
        handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as failure:
        if not os.path.lexists(file):  # it would lie in a folder that may not be looked into
            return None
        raise UserError(f"{file} cannot be read: {failure.strerror}.", "Check its mode and owner.") from failure
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise UserError(f"{file} is no regular file.", HINT)
    with open(handle, "rb") as opened:  # noqa: PTH123 - the file behind the handle, whatever the name means by now
        content = opened.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise UserError(f"{file} is larger than {_MOST_BYTES // 1024} KiB.", HINT)
    try:
        said = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as failure:  # TOML and UTF-8 errors are ValueErrors
        reason = "it is nested too deeply" if isinstance(failure, RecursionError) else one_line(str(failure), 200)
        raise UserError(f"{file} is no valid TOML: {reason}.", HINT) from failure
    for section in said:
        if section not in checked.SECTIONS:
            raise Place(file).unknown("section", section, checked.SECTIONS)
    return said


def _join_definitions(joined: _Joined, place: Place, content: Mapping[str, Any], own: Mapping[str, NamedRule]) -> None:
    """Put the bands and the user's rules of one file over what farther ones say."""
    bands = place / "bands"
    for name, value in checked.table(bands, content.get("bands", {})).items():
        joined.bands[canonical(checked.metric(bands / name, name))] = checked.band(bands / name, value)
    listed = content.get("user_rules", [])
    users = place / "user_rules"
    if not isinstance(listed, list) or len(listed) > checked.MOST_OF_A_KIND:
        raise users.wrong(f"must be at most {checked.MOST_OF_A_KIND} tables, each below a [[user_rules]]", listed)
    here: set[str] = set()
    for index, value in enumerate(listed):
        rule = checked.user_rule(users.nth(index), value, own)
        if rule.id in here:
            raise (users.nth(index) / "id").wrong("is used twice in this file", rule.id)
        here.add(rule.id)
        joined.user_rules[rule.id] = rule


def _join_rules(joined: _Joined, place: Place, content: Mapping[str, Any], rules: Mapping[str, NamedRule]) -> None:
    """Put the settings of rules of one file over what farther ones say, key by key."""
    section = place / "rules"
    for rule_id, value in checked.table(section, content.get("rules", {})).items():
        named = rules.get(rule_id)
        if named is None:
            raise section.unknown("rule", rule_id, rules)
        below = section / rule_id
        settings = joined.rules.setdefault(rule_id, {})
        for key, setting in checked.table(below, value).items():
            settings[key] = checked.rule_setting(below, named, key, setting)
        least, most = settings.get("at_least", Severity.INFO), settings.get("severity", Severity.CRITICAL)
        if least.rank > most.rank:
            raise (below / "at_least").wrong(f"must not be above severity ({most})", str(least))


def _of_rule(named: NamedRule, settings: Mapping[str, Any]) -> RuleSettings:
    limits = limit_names(named.rule.limits)
    return RuleSettings(
        limits={key: value for key, value in settings.items() if key in limits},
        muted=settings.get("mute"),
        at_most=settings.get("severity"),
        at_least=settings.get("at_least"),
    )
