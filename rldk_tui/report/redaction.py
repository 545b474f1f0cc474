"""A report that can be shared: without the generations, and without what tells of the place the run was made at.

Left out are prompts and completions wherever they are quoted, host names, process ids, absolute paths, user names in them, and
settings whose names say that they are secret. The run's name, its model's, its settings and every number stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import msgspec

from rldk_tui.events import Finding, Json
from rldk_tui.run import RunInfo
from rldk_tui.session import RunHealth

WITHOUT = frozenset({"generations"})
"""Sections that would be about nothing else."""
_LEFT_OUT = "(left out)"
_QUOTED = re.compile("“[^”]*”")
_PATH = re.compile(r"""(?<![\w/.<>])(?:~?/[\w.@+~-]+/|~/|[A-Za-z]:[\\/]|\\\\)[^\s'"”,;:)\]}]*""")
"""Of at least two names, or in somebody's home."""
_EVENT_FILE = re.compile(r"(events\.out\.tfevents\.\d+\.)[^\s/]+")
_SECRET = re.compile(r"token$|secret|password|api_?key|credential", re.IGNORECASE)
_SHORTEST_HOST = 3
"""Letters of a host's name below which it would be found in every other word."""
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Redaction:
    """Leaves out what one run's texts must not tell."""

    hosts: tuple[str, ...]

    def of(self, value: Value) -> Value:
        """The same with every text in it redacted: dataclasses, records, tuples, lists and mappings are gone through."""
        result: Value = self._any(value)
        return result

    def _any(self, value: Any) -> Any:
        if type(value) is str:
            return self._text(value)
        if isinstance(value, list | tuple):
            return type(value)(self._any(entry) for entry in value)
        if isinstance(value, dict):
            return {self._any(name): self._any(entry) for name, entry in value.items()}
        if isinstance(value, msgspec.Struct):
            return msgspec.structs.replace(value, **{name: self._any(getattr(value, name)) for name in value.__struct_fields__})
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{item.name: self._any(getattr(value, item.name)) for item in fields(value) if item.init})
        return value

    def _text(self, text: str) -> str:
        for host in self.hosts:
            text = re.sub(rf"(?<!\w){re.escape(host)}(?!\w)", _LEFT_OUT, text)
        return _EVENT_FILE.sub(rf"\1{_LEFT_OUT}", _PATH.sub(_LEFT_OUT, text))


def redacted(health: RunHealth) -> tuple[RunHealth, Redaction]:
    """The run without its generations and its place, and what leaves the rest out of texts made from it."""
    snapshot = health.snapshot
    infos = [snapshot.info, *(segment.info for segment in snapshot.segments)]
    hosts = dict.fromkeys(_names(info.host for info in infos))
    without = replace(
        snapshot,
        info=_without_place(snapshot.info),
        segments=tuple(replace(segment, info=_without_place(segment.info)) for segment in snapshot.segments),
        completions=(),
        generations=(),
    )
    account = health.rewards
    rewards = None if account is None else replace(account, lowest=(), highest=())
    findings = tuple(_without_quotes(finding) for finding in health.findings)
    return replace(health, snapshot=without, rewards=rewards, findings=findings, text=None), Redaction(tuple(hosts))


def _names(hosts: Iterable[str | None]) -> Iterable[str]:
    """Each host's full name before its short one."""
    for host in hosts:
        if host is not None:
            yield from (name for name in (host, host.partition(".")[0]) if len(name) >= _SHORTEST_HOST)


def _without_place(info: RunInfo) -> RunInfo:
    return replace(info, host=None, pid=None, config={name: _value(name, value) for name, value in info.config.items()})


def _value(name: str, value: Json) -> Json:
    return _LEFT_OUT if _SECRET.search(name) and isinstance(value, str) else value


def _without_quotes(finding: Finding) -> Finding:
    """What a finding quotes in curly quotation marks is of the generations."""
    return msgspec.structs.replace(
        finding,
        summary=_QUOTED.sub(_LEFT_OUT, finding.summary),
        cause=None if finding.cause is None else _QUOTED.sub(_LEFT_OUT, finding.cause),
    )
