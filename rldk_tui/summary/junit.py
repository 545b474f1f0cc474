"""The check as JUnit XML: one test case a rule, so that any CI system lists them."""

from __future__ import annotations

from xml.etree import ElementTree

from rldk_tui.charts.text import one_line
from rldk_tui.events import Finding, Severity
from rldk_tui.session import RunHealth
from rldk_tui.summary.prose import advice_line, when

_LONGEST = 4000


def as_junit(health: RunHealth, fail_on: Severity = Severity.WARNING) -> str:
    """One test case a rule.

    A finding at or above `fail_on` fails its rule, a milder one is written into its output; a rule that could not be
    evaluated is skipped, one that broke is an error.
    """
    run = _legal(health.snapshot.name)
    broken = {failure.rule: failure for failure in health.rule_failures}
    suite = ElementTree.Element("testsuite", name=f"rldk check {run}")
    for rule in health.evaluated:
        case = _case(suite, run, rule)
        found = sorted((finding for finding in health.findings if finding.rule == rule), key=lambda one: -one.severity.rank)
        if rule in broken:
            ElementTree.SubElement(case, "error", message=_legal(broken[rule].message), type="rule-failure")
        elif found and found[0].severity.rank >= fail_on.rank:
            failure = ElementTree.SubElement(case, "failure", message=_legal(found[0].summary), type=found[0].severity.value)
            failure.text = "\n".join(_told(finding) for finding in found)
        elif found:
            ElementTree.SubElement(case, "system-out").text = "\n".join(_told(finding) for finding in found)
    for silent in health.not_evaluated:
        reason = silent.reason if silent.how is None else f"{silent.reason}; {silent.how}"
        ElementTree.SubElement(_case(suite, run, silent.rule), "skipped", message=_legal(reason))
    counts = {name: str(len(list(suite.iter(tag)))) for name, tag in _COUNTED.items()}
    suite.attrib.update(counts)
    suites = ElementTree.Element("testsuites", counts)
    suites.append(suite)
    ElementTree.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(suites, encoding="unicode")}'


_COUNTED = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}


def _case(suite: ElementTree.Element, run: str, rule: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=f"rldk.{run}", name=_legal(rule))


def _told(finding: Finding) -> str:
    advice = "".join(f"\n  - {_legal(advice_line(advice))}" for advice in finding.advice)
    cause = f"\n  Cause: {_legal(finding.cause)}" if finding.cause else ""
    return f"{finding.severity.value}, {when(finding)}: {_legal(finding.summary)}{cause}{advice}"


def _legal(text: str) -> str:
    """Text that XML can carry: control characters, surrogates and non-characters become visible symbols."""
    return one_line(text, _LONGEST)
