"""Runs whose faults are known, and what counts as finding them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rldk_tui.diagnosis.engine import Engine
from rldk_tui.diagnosis.rule import NamedRule
from rldk_tui.events import Finding, Severity
from rldk_tui.session import RunSession

EARLY = 10
"""Steps before a fault's onset in which a finding still counts as having seen it."""


@dataclass(frozen=True)
class Fault:
    """What was injected. `root` names it, `also` a true consequence, `words` in a finding's cause name it too."""

    kind: str
    onset: int
    root: frozenset[str]
    also: frozenset[str]
    words: tuple[str, ...]

    def named_by(self, finding: Finding) -> bool:
        """Whether the finding names the cause."""
        cause = (finding.cause or "").lower()
        return finding.rule in self.root or (finding.rule in self.also and any(word in cause for word in self.words))


@dataclass(frozen=True)
class Labelled:
    """One run with what is known of it.

    Attributes:
        went_well: Whether it counts as a healthy run.
        excused: Rules that tell of something really in its logs.
    """

    path: Path
    algorithm: str
    steps: int
    faults: tuple[Fault, ...]
    went_well: bool
    excused: frozenset[str]

    @property
    def onset(self) -> int | None:
        """Where the first fault begins; None in a healthy run."""
        return min((fault.onset for fault in self.faults), default=None)


def labelled_runs(folder: Path, answers: Path | None = None) -> list[Labelled]:
    """The runs of a folder with `runs/` and `labels/`; `answers.toml` says which rules name which fault."""
    answers = folder / "answers.toml" if answers is None else answers
    known = tomllib.loads(answers.read_text())
    files = sorted((folder / "labels").glob("*.json"))
    return [_labelled(folder, json.loads(file.read_text()), known) for file in files]


def _labelled(folder: Path, label: dict[str, Any], known: dict[str, Any]) -> Labelled:
    states = [known["observed"].get(state, {}).get("rules", []) for state in label.get("observed_states", {})]
    return Labelled(
        path=folder / "runs" / label["name"],
        algorithm=label["algorithm"],
        steps=label["steps"],
        faults=tuple(_fault(fault, known.get(fault["kind"], {})) for fault in label["faults"]),
        went_well=label["healthy"],
        excused=frozenset(rule for rules in states for rule in rules),
    )


def _fault(fault: dict[str, Any], answer: dict[str, Any]) -> Fault:
    return Fault(
        kind=fault["kind"],
        onset=fault.get("onset_step") or 1,
        root=frozenset(answer.get("root", ())),
        also=frozenset(answer.get("also", ())),
        words=tuple(answer.get("cause_words", ())),
    )


@dataclass(frozen=True)
class Answer:
    """What was said of a run at severity warning or worse, the worst story first, and which rules could say anything."""

    findings: tuple[Finding, ...]
    evaluated: frozenset[str]


def answer_on(path: Path, rules: Iterable[NamedRule] | None = None) -> Answer:
    """What these rules, by default all, say of a run."""
    health = RunSession(path).poll()
    said = health if rules is None else Engine(rules).diagnose(health.snapshot)
    loud = tuple(finding for finding in said.findings if finding.severity.rank >= Severity.WARNING.rank)
    return Answer(loud, frozenset(said.evaluated))
