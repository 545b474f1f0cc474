"""The two commands: `rldk-tui` (the monitor) and `rldk` (everything else).

Each verb imports its face inside its function, so that `--help` costs nothing. This is the only place that prints errors
and decides exit codes: 0 fine, 1 a finding at or above the threshold, 2 the question could not be answered.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rldk_tui import __version__
from rldk_tui.errors import RldkError, UserError

_SEVERITIES = ("info", "warning", "high", "critical")
_FORMATS = ("text", "json", "markdown", "junit")


def main(argv: Sequence[str] | None = None) -> int:
    """The command `rldk`; returns its exit code."""
    return _run(_verbs(), argv)


def monitor(argv: Sequence[str] | None = None) -> int:
    """The command `rldk-tui`; returns its exit code."""
    return _run(_monitor_options(), argv)


def _run(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    arguments = parser.parse_args(argv)
    verb: Callable[[argparse.Namespace], int] = arguments.verb
    try:
        return verb(arguments)
    except UserError as failure:
        hint = f"\n  {failure.hint}" if failure.hint else ""
        _complain(f"{parser.prog}: {failure.message}{hint}")
        return failure.exit_code
    except (RldkError, OSError) as failure:
        _complain(f"{parser.prog}: {failure}")
        return 2
    except KeyboardInterrupt:
        return 130


def _say(text: str) -> None:
    """Print to whoever listens: a terminal of any alphabet, a pipe that may be closed already, or nobody.

    Raises:
        OSError: if the text could not be written for another reason, such as a full disk.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        print(text, flush=True)
    except OSError as failure:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter fails once more when it flushes at its end
        if not isinstance(failure, BrokenPipeError):
            raise


def _complain(text: str) -> None:
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")
    print(text, file=sys.stderr)


def _monitor_options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rldk-tui",
        description="Watch a training run live: is it alive, is it learning, is something wrong, and what to change.",
        epilog="Other verbs: rldk check, rldk report, rldk rules, rldk explain.",
    )
    parser.add_argument("run", type=Path, help="a run directory, a link to one, or a folder of runs (then its newest)")
    parser.add_argument("--once", action="store_true", help="print one page of text and exit (what happens without a terminal)")
    parser.add_argument(
        "--json", action="store_true", help="with --once: the object of `rldk check --json` and every metric's latest value"
    )
    parser.add_argument("--replay", metavar="N", type=_speed, help="play a finished run N times as fast as it was (20 or 20x)")
    parser.add_argument("--interval", metavar="SECONDS", type=_positive, default=1.0, help="seconds between looks (1)")
    parser.add_argument("--ascii", action="store_true", default=None, help="draw with plain characters")
    parser.add_argument("--version", action="version", version=f"rldk-tui {__version__}")
    parser.set_defaults(verb=_monitor)
    return parser


def _verbs() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rldk", description="Judge and report RL fine-tuning runs from their logs.")
    parser.add_argument("--version", action="version", version=f"rldk-tui {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    check = verbs.add_parser("check", help="the verdict, for people, scripts and CI")
    check.add_argument("run", type=Path, help="a run directory, a link to one, or a folder of runs (then its newest)")
    check.add_argument("--format", choices=_FORMATS, default="text")
    check.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    check.add_argument("--fail-on", choices=_SEVERITIES, default="critical", help="exit 1 at or above this severity (critical)")
    check.set_defaults(verb=_check)

    report = verbs.add_parser("report", help="the health report as HTML, JSON and PDF")
    report.add_argument("run", type=Path, help="a run directory, a link to one, or a folder of runs (then its newest)")
    report.add_argument("--pdf", action="store_true", help="write report.pdf too")
    report.add_argument("-o", "--output", metavar="DIR", type=Path, help="where to write (RUN/rldk/report)")
    report.set_defaults(verb=_report)

    rules = verbs.add_parser("rules", help="every rule, a line each")
    rules.set_defaults(verb=_rules)

    explain = verbs.add_parser("explain", help="what a rule means, why it fires and what to do")
    explain.add_argument("rule", help="a rule's id, e.g. entropy-collapse")
    explain.set_defaults(verb=_explain)

    schema = verbs.add_parser("schema", help="the JSON Schema of the event log or of the check object")
    schema.add_argument("what", choices=("events", "check"))
    schema.set_defaults(verb=_schema)
    return parser


def _speed(text: str) -> float:
    return _positive(text.removesuffix("x"))


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return value


def _monitor(arguments: argparse.Namespace) -> int:
    if arguments.json and not arguments.once:
        raise UserError("--json goes with --once.", "rldk-tui RUN --once --json")
    if arguments.once or not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        return _once(arguments)
    from rldk_tui.tui.app import run_monitor
    from rldk_tui.tui.feed import opening

    run_monitor(
        opening(arguments.run, arguments.replay),
        title=str(arguments.run),
        interval=arguments.interval,
        ascii=arguments.ascii,
    )
    return 0


def _once(arguments: argparse.Namespace) -> int:
    from rldk_tui.session import RunSession

    health = RunSession.open(arguments.run).poll()
    if arguments.json:
        from rldk_tui.summary import once_object, to_json

        _say(to_json(once_object(health)))
        return 0
    from rldk_tui.tui.once import page_once

    _say(page_once(health, ascii=arguments.ascii).rstrip("\n"))
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from rldk_tui.events import Severity
    from rldk_tui.session import RunSession
    from rldk_tui.summary import RENDERERS

    health = RunSession.open(arguments.run).poll()
    fail_on = Severity(arguments.fail_on)
    _say(RENDERERS[arguments.format](health, fail_on))
    return int(any(finding.severity.rank >= fail_on.rank for finding in health.findings))


def _report(arguments: argparse.Namespace) -> int:
    from rldk_tui.report.build import build_report
    from rldk_tui.session import RunSession

    health = RunSession.open(arguments.run).poll()
    written = build_report(health, arguments.output, pdf=arguments.pdf)
    for path in written.all():
        _say(str(path))
    return 0


def _rules(_arguments: argparse.Namespace) -> int:
    from rldk_tui.diagnosis.catalogue import load_rules

    rules = load_rules()
    width = max(len(rule.id) for rule in rules)
    for rule in rules:
        _say(f"{rule.id:{width}}  {rule.title}")
    return 0


def _explain(arguments: argparse.Namespace) -> int:
    from rldk_tui.diagnosis.catalogue import rule_named

    rule = rule_named(arguments.rule)
    _say(f"{rule.id}\n\n{rule.manual.strip()}")
    return 0


def _schema(arguments: argparse.Namespace) -> int:
    import json

    if arguments.what == "events":
        from rldk_tui.events import json_schema as schema
    else:
        from rldk_tui.summary import check_schema as schema
    _say(json.dumps(schema(), indent=2))
    return 0
