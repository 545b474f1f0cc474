"""`rldk rules` and `rldk explain`: the rules, what they said of a run, what one of them saw in it."""

from __future__ import annotations

import argparse
from pathlib import Path

from rldk_tui.cli.output import say

_RUN = "a run directory, a link to one, or a folder of runs (then its newest)"


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer them."""
    rules = verbs.add_parser("rules", help="every rule; which of them could judge a run; what one of them saw in it")
    rules.add_argument(
        "--for", metavar="RUN", type=Path, dest="run", help="which rules were evaluated on this run, and why not"
    )
    rules.add_argument("--json", action="store_true", help="as JSON")
    rules.set_defaults(verb=_rules)
    inner = rules.add_subparsers(metavar="test")
    test = inner.add_parser("test", help="a rule's signal on a run: values, limits, and where it spoke")
    test.add_argument("rule", help="a rule's id, e.g. entropy-collapse")
    test.add_argument("run", type=Path, help=_RUN)
    test.add_argument("--json", action="store_true", help="as JSON, every row")
    test.add_argument("--rows", metavar="N", type=_count, default=20, help="rows of the table at most (20)")
    test.add_argument("--ascii", action="store_true", default=None, help="draw with plain characters")
    test.set_defaults(verb=_test)

    explain = verbs.add_parser("explain", help="what a rule means, why it fires and what to do")
    explain.add_argument("rule", help="a rule's id, e.g. entropy-collapse")
    explain.set_defaults(verb=_explain)


def _count(text: str) -> int:
    if not text.isdecimal() or not text.isascii():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rows")
    return int(text)


def _rules(arguments: argparse.Namespace) -> int:
    if arguments.run is not None:
        return _rules_for(arguments)
    from rldk_tui.diagnosis.catalogue import load_rules
    from rldk_tui.diagnosis.settings import configured, read_settings
    from rldk_tui.summary.rules import rule_lines, rules_object

    rules = configured(load_rules(), read_settings())
    if arguments.json:
        from rldk_tui.summary import to_json

        say(to_json(rules_object(rules)))
    else:
        say("\n".join(rule_lines(rules)))
    return 0


def _rules_for(arguments: argparse.Namespace) -> int:
    from rldk_tui.session import RunSession
    from rldk_tui.summary.rules import judged_lines, judged_object

    session = RunSession.open(arguments.run)
    health = session.poll()
    if arguments.json:
        from rldk_tui.summary import to_json

        say(to_json(judged_object(session.rules, health)))
    else:
        say("\n".join(judged_lines(session.rules, health)))
    return 0


def _test(arguments: argparse.Namespace) -> int:
    from rldk_tui.diagnosis.catalogue import find_rule
    from rldk_tui.session import RunSession
    from rldk_tui.summary.signal import signal_lines, signal_object

    session = RunSession.open(arguments.run)
    rule = find_rule(arguments.rule, session.rules)
    health = session.poll()
    if arguments.json:
        from rldk_tui.summary import to_json

        say(to_json(signal_object(rule, health)))
        return 0
    from rldk_tui.tui.terminal import ascii_only, page_width

    plain = ascii_only() if arguments.ascii is None else arguments.ascii
    say("\n".join(signal_lines(rule, health, width=page_width(), rows=arguments.rows, ascii=plain)))
    return 0


def _explain(arguments: argparse.Namespace) -> int:
    from rldk_tui.diagnosis.calibration import calibration_line
    from rldk_tui.diagnosis.catalogue import find_rule, load_rules
    from rldk_tui.diagnosis.settings import configured, read_settings

    known = load_rules()
    if all(rule.id != arguments.rule for rule in known):
        known = configured(known, read_settings())
    rule = find_rule(arguments.rule, known)
    say(f"{rule.id}\n\n{rule.manual.strip()}\n\nHow it did where the answer is known\n    {calibration_line(rule.id)}")
    return 0
