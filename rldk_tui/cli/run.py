"""`rldk check` and `rldk report`: what is judged of a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rldk_tui.cli.output import complain, say
from rldk_tui.cli.stages import stages
from rldk_tui.errors import UserError

if TYPE_CHECKING:
    from rldk_tui.events import Severity
    from rldk_tui.report.options import ReportOptions
    from rldk_tui.session import RunHealth

SEVERITIES = ("info", "warning", "high", "critical")
_FORMATS = ("text", "json", "markdown", "junit")
RUN = "a run directory, a link to one, or a folder of runs (then its newest)"


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer them."""
    check = verbs.add_parser("check", help="the verdict, for people, scripts and CI")
    check.add_argument("run", type=Path, help=RUN)
    check.add_argument("--format", choices=_FORMATS, default="text")
    check.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    check.add_argument("--fail-on", choices=SEVERITIES, default="critical", help="exit 1 at or above this severity (critical)")
    check.add_argument(
        "--baseline",
        metavar="RUN0",
        type=Path,
        help="fail only on what is worse than in this run: new findings, or a worse reward (or loss) by more than noise",
    )
    check.set_defaults(verb=_check)

    report = verbs.add_parser("report", help="the health report as HTML, JSON and PDF")
    report.add_argument("run", type=Path, help=RUN)
    report.add_argument("--pdf", action="store_true", help="write report.pdf too")
    report.add_argument("-o", "--output", metavar="DIR", type=Path, help="where to write (RUN/rldk/report)")
    report.add_argument(
        "--no-checkpoints", action="store_false", dest="checkpoints", help="analyse no checkpoint that is not analysed yet"
    )
    report.add_argument("--sections", metavar="ID,ID", help="these sections alone, e.g. verdict,findings,learning")
    report.add_argument("--title", help="the heading, in place of the run's name")
    report.add_argument("--logo", metavar="FILE", type=Path, help="a PNG, JPEG or GIF for the head of the page")
    report.add_argument("--templates", metavar="DIR", type=Path, help="templates that come before ours of the same name")
    report.add_argument(
        "--redact", action="store_true", help="leave out generations, host names, paths and process ids, to share the report"
    )
    report.set_defaults(verb=_report)


def _check(arguments: argparse.Namespace) -> int:
    from rldk_tui.events import Severity
    from rldk_tui.session import RunSession
    from rldk_tui.summary import RENDERERS

    health = RunSession.open(arguments.run).poll()
    fail_on = Severity(arguments.fail_on)
    if arguments.baseline is not None:
        return _gate(health, arguments.baseline, fail_on, arguments.format)
    say(RENDERERS[arguments.format](health, fail_on))
    return int(any(finding.severity.rank >= fail_on.rank for finding in health.findings))


def _gate(health: RunHealth, baseline: Path, fail_on: Severity, form: str) -> int:
    from rldk_tui.comparison import gate
    from rldk_tui.comparison.objects import gate_object
    from rldk_tui.comparison.prose import gate_lines
    from rldk_tui.session import RunSession
    from rldk_tui.summary import RENDERERS, check_object, to_json
    from rldk_tui.summary.prose import marked

    if form == "junit":
        raise UserError("JUnit has no place for a baseline.", "Use --format text, markdown or json with --baseline.")
    found = gate(health, RunSession.open(baseline).poll(), fail_on)
    if form == "json":
        say(to_json({**check_object(health), "baseline": gate_object(found)}))
    else:
        lines = list(gate_lines(found))
        told = (
            [f"**{marked(lines[0])}**", *(f"- {marked(line.strip())}" for line in lines[1:])] if form == "markdown" else lines
        )
        say("\n".join([*told, "", RENDERERS[form](health, fail_on)]))
    return int(not found.passed)


def _report(arguments: argparse.Namespace) -> int:
    from rldk_tui.report.build import build_report
    from rldk_tui.report.recording import with_checkpoints
    from rldk_tui.session import RunSession

    options = _options(arguments)
    session = RunSession.open(arguments.run)
    remark = None
    with stages() as shown:
        if arguments.checkpoints:
            analysed = with_checkpoints(session, elsewhere=arguments.output is not None, stages=shown)
            health, remark = analysed.health, analysed.remark
        else:
            shown.begin("Reading the run")
            health = session.poll(far=shown.far)
        written = build_report(health, arguments.output, pdf=arguments.pdf, options=options, stages=shown)
    if remark is not None:
        complain(f"rldk report: {remark}")
    for path in written.all():
        say(str(path))
    return 0


def _options(arguments: argparse.Namespace) -> ReportOptions:
    from rldk_tui.report.options import ReportOptions, logo_in, templates_in, wanted_sections

    names = None if arguments.sections is None else [name.strip() for name in arguments.sections.split(",")]
    return ReportOptions(
        title=arguments.title,
        sections=None if names is None else wanted_sections(names),
        templates=None if arguments.templates is None else templates_in(arguments.templates),
        redact=arguments.redact,
        logo=None if arguments.logo is None else logo_in(arguments.logo),
    )
