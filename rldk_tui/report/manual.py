"""A rule's manual in the pieces a page shows."""

from __future__ import annotations

from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.rule import MANUAL_HEADINGS


def rule_title(rule: str) -> str:
    """A rule's manual in one sentence without its full stop; the id of a rule that is not installed here."""
    return next((named.title for named in load_rules() if named.id == rule), rule)


def rule_manual(rule: str) -> dict[str, str]:
    """The text under each heading of a rule's manual, line breaks removed; empty for a rule that is not installed here."""
    manual = next((named.manual for named in load_rules() if named.id == rule), "")
    pieces: dict[str, list[str]] = {}
    heading = ""
    for line in manual.splitlines():
        if line.strip() in MANUAL_HEADINGS and line == line.strip():
            heading = line
            pieces[heading] = []
        elif heading:
            pieces[heading].append(line.strip())
    return {heading: " ".join(lines).strip() for heading, lines in pieces.items()}
