"""What this tool does not know of the run: rules without their data, rules that broke, logs that could not be read."""

from __future__ import annotations

from rldk_tui.charts.format import count
from rldk_tui.diagnosis.findings import NotEvaluated, told_together
from rldk_tui.events import ExtractionKind
from rldk_tui.run.extraction import Trouble, troubles
from rldk_tui.tui.cells import Box, Line, Page, Span, Tone, line, wrapped
from rldk_tui.tui.view import View


def not_evaluated_page() -> Page:
    """The page behind `u`."""
    return Page("not-evaluated", "Not evaluated", _draw)


def _draw(view: View, box: Box) -> tuple[Line, ...]:
    health = view.health
    missing = [silent for silent in health.not_evaluated if silent.applicable]
    unfit = [silent for silent in health.not_evaluated if not silent.applicable]
    sentence = f"{count(len(health.evaluated))} rules were evaluated. What follows is not known, which is not the same as fine."
    rows = [*wrapped(sentence, box.width)]
    rows += _section(f"Missing data: {_rules(missing)}", _missing(missing, box))
    rows += _section(f"Not for this run: {_rules(unfit)}", [row for silent in unfit for row in _rule(silent, box)])
    broken = [
        (f"{failure.rule}{f' on {failure.scope}' if failure.scope else ''}", failure.message)
        for failure in health.rule_failures
    ]
    rows += _listed("Rules that failed", broken, box)
    problems = [
        (
            f"{problem.source}{f', line {count(problem.line)}' if problem.line is not None else ''}",
            problem.message + (f" ({count(problem.count)} times)" if problem.count > 1 else ""),
        )
        for problem in health.snapshot.problems
    ]
    rows += _listed("Read problems", problems, box)
    told = troubles(health.snapshot.extraction_errors)
    wrong = [_trouble(trouble) for trouble in told if trouble.kind is not ExtractionKind.UNAVAILABLE]
    rows += _listed("Went wrong on its way into the record", wrong, box)
    apart = [_trouble(trouble) for trouble in told if trouble.kind is ExtractionKind.UNAVAILABLE]
    rows += _listed("Not measured in this training", apart, box)
    return tuple(rows)


def _trouble(trouble: Trouble) -> tuple[str, str]:
    where = [] if trouble.first is None else [f"step {count(trouble.first)}"]
    if trouble.count > 1:
        where = [f"steps {count(trouble.first)}–{count(trouble.last)}, {count(trouble.count)} times"]
    where += [trouble.metric] if trouble.metric else []
    return ", ".join(where) or "callback", trouble.message + (f". {trouble.advice}" if trouble.advice else "")


def _rules(silent: list[NotEvaluated]) -> str:
    return f"{count(len(silent))} rule{'s' * (len(silent) != 1)}"


def _section(heading: str, body: list[Line]) -> list[Line]:
    return [line(), line(Span(heading, Tone.ACCENT)), *body] if body else []


def _rule(silent: NotEvaluated, box: Box) -> list[Line]:
    rows = [line(Span(f"  {silent.rule}", Tone.STRONG)), *wrapped(silent.reason, box.width, Tone.DIM, "    ")]
    if silent.how:
        rows += wrapped(f"→ {silent.how}", box.width, Tone.PLAIN, "    ")
    return rows


def _missing(silent: list[NotEvaluated], box: Box) -> list[Line]:
    """Rules that want the same thing logged stand together, above the rules that want something of their own."""
    single = {one.rule: one for one in silent}
    rows: list[Line] = []
    for rules, sentence in sorted(told_together(silent), key=lambda item: -len(item[0])):
        if len(rules) == 1:
            rows += _rule(single[rules[0]], box)
        else:
            rows += [
                *wrapped(", ".join(rules), box.width, Tone.STRONG, "  "),
                *wrapped(f"→ {sentence}", box.width, Tone.PLAIN, "    "),
            ]
    return rows


def _listed(heading: str, items: list[tuple[str, str]], box: Box) -> list[Line]:
    body: list[Line] = []
    for where, what in items:
        body += [line(Span(f"  {where}", Tone.WARNING)), *wrapped(what, box.width, Tone.PLAIN, "    ")]
    return _section(f"{heading}: {count(len(items))}", body)
