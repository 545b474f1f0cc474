"""`rldk checkpoints`: one checkpoint, two against each other, or all of a run.

Exit codes are those of `rldk check`: 0 fine, 1 an issue at or above `--fail-on`, 2 the question could not be answered. A
comparison judges nothing: 0 or 2.
"""

from __future__ import annotations

import argparse
import gc
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rldk_tui.cli.output import say
from rldk_tui.errors import UserError

if TYPE_CHECKING:
    from rldk_tui.checkpoints.analysis import CheckpointAnalysis
    from rldk_tui.checkpoints.executor import Executor
    from rldk_tui.run import RunSnapshot

_SEVERITIES = ("info", "warning", "high", "critical")
_PATIENCE = 1.0
"""Seconds after which it is told how far the work is."""
_BETWEEN = 0.2
_NARROWEST = 40


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer it."""
    verb = verbs.add_parser(
        "checkpoints",
        help="is this model healthy, what changed, which checkpoint to keep",
        description="PATH: a checkpoint's folder or a file of weights (analysed), two of them (compared), or a run directory "
        "(all of its checkpoints).",
    )
    verb.add_argument("paths", metavar="PATH", type=Path, nargs="*", help="checkpoints, or a run directory")
    verb.add_argument("--json", action="store_true", help="as JSON, every tensor")
    verb.add_argument("--spectral", action="store_true", help="largest singular values and power laws too (many passes)")
    verb.add_argument("--base", metavar="PATH", type=Path, help="the model a run began from, to compare its checkpoints with")
    verb.add_argument(
        "--record", metavar="RUN", type=Path, help="write what is measured into this run's log (all its checkpoints)"
    )
    verb.add_argument("--into", metavar="DIR", type=Path, help="with --record: write there, for a run that is read-only")
    verb.add_argument(
        "--run",
        metavar="RUN",
        type=Path,
        help="compare a checkpoint with what is kept of this run's earlier ones; writes nothing",
    )
    verb.add_argument("--executor", choices=("local", "ray"), default="local", help="where the work is done (local)")
    verb.add_argument("--address", help="of the Ray cluster (that of RAY_ADDRESS)")
    verb.add_argument("--threads", metavar="N", type=_count, help="threads of the local executor (one a core)")
    verb.add_argument("--fail-on", choices=_SEVERITIES, default="critical", help="exit 1 at or above this severity (critical)")
    verb.set_defaults(verb=_checkpoints)


def _count(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of threads")
    return int(text)


def _checkpoints(arguments: argparse.Namespace) -> int:
    # what is made of 100,000 tensors has no cycles, and looking for some over and over takes a fifth of the time
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _answer(arguments)
    finally:
        if collecting:
            gc.enable()


def _answer(arguments: argparse.Namespace) -> int:
    paths: list[Path] = arguments.paths
    if arguments.record is not None:
        return _record(arguments)
    if not paths:
        raise UserError("No checkpoint was named.", "rldk checkpoints CHECKPOINT, or a run directory")
    if len(paths) == 1 and _is_run(paths[0]):
        return _run(arguments)
    if len(paths) == 2:
        return _compare(arguments)
    return _analyse(arguments)


def _is_run(path: Path) -> bool:
    from rldk_tui.checkpoints import checkpoints_of

    return bool(checkpoints_of(path))


def _analyse(arguments: argparse.Namespace) -> int:
    from rldk_tui.checkpoints import CheckpointAnalyzer
    from rldk_tui.summary import to_json
    from rldk_tui.summary.checkpoints import analysis_lines, analysis_object

    analyses = []
    for path in arguments.paths:
        analyzer = CheckpointAnalyzer(arguments.run, keep=arguments.run is None, **_how(arguments, str(path)))
        _begin_at(arguments.base, analyzer)
        analyses.append(analyzer.analyze_checkpoint(path))
    if arguments.json:
        objects = [analysis_object(analysis) for analysis in analyses]
        say(to_json(objects[0] if len(objects) == 1 else objects))
    else:
        say("\n\n".join("\n".join(analysis_lines(analysis, _width())) for analysis in analyses))
    return _exit_code(arguments, analyses)


def _compare(arguments: argparse.Namespace) -> int:
    from rldk_tui.checkpoints import CheckpointAnalyzer
    from rldk_tui.summary import to_json
    from rldk_tui.summary.checkpoints import comparison_lines, comparison_object

    before, after = arguments.paths
    comparison = CheckpointAnalyzer(**_how(arguments, "comparing")).compare(before, after)
    say(to_json(comparison_object(comparison)) if arguments.json else "\n".join(comparison_lines(comparison, _width())))
    return 0


def _run(arguments: argparse.Namespace) -> int:
    from rldk_tui.summary import to_json
    from rldk_tui.summary.checkpoints import gathered, run_lines, run_object

    run: Path = arguments.paths[0]
    analyses, final = _analyses_of_run(arguments, run)
    found = gathered(run.resolve().name, analyses, _logged(run), final)
    say(to_json(run_object(found)) if arguments.json else "\n".join(run_lines(found, _width())))
    return _exit_code(arguments, analyses if final is None else [*analyses, final])


def _analyses_of_run(arguments: argparse.Namespace, run: Path) -> tuple[list[CheckpointAnalysis], CheckpointAnalysis | None]:
    """Those of its checkpoints, and that of the model in its directory itself."""
    from rldk_tui.checkpoints import CheckpointAnalyzer, checkpoints_of
    from rldk_tui.checkpoints.layout import holds_weights

    told = _Progress()
    analyzer = CheckpointAnalyzer(**{**_how(arguments, ""), "progress": told})
    _begin_at(arguments.base, analyzer)
    analyses = []
    for path in checkpoints_of(run):
        told.what = path.name
        analyses.append(analyzer.analyze_checkpoint(path))
    told.what = "the final model"
    return analyses, analyzer.analyze_final(run) if holds_weights(run) else None


def _width() -> int:
    """Cells of a line: those of the terminal, or 80."""
    return max(_NARROWEST, shutil.get_terminal_size((80, 24)).columns)


def _logged(run: Path) -> RunSnapshot | None:
    """What the run's log says; None where there is none."""
    from rldk_tui.session import RunSession

    try:
        return RunSession.open(run).poll().snapshot
    except UserError:
        return None


def _record(arguments: argparse.Namespace) -> int:
    from rldk_tui.checkpoints.record import record_checkpoints
    from rldk_tui.summary.checkpoints import recorded_lines

    told = _Progress("recording")
    analyses, log = record_checkpoints(
        arguments.record, arguments.paths, base=arguments.base, into=arguments.into, **{**_how(arguments, ""), "progress": told}
    )
    say("\n".join(recorded_lines(analyses, log)))
    return _exit_code(arguments, analyses)


def _how(arguments: argparse.Namespace, what: str) -> dict[str, Any]:
    return {"spectral": arguments.spectral, "executor": _executor(arguments), "progress": _Progress(what)}


def _executor(arguments: argparse.Namespace) -> Executor:
    from rldk_tui.checkpoints.executor import LocalThreads, RayCluster

    if arguments.address is not None and arguments.executor != "ray":
        raise UserError("--address is that of a Ray cluster.", "--executor ray --address ADDRESS")
    return RayCluster(arguments.address) if arguments.executor == "ray" else LocalThreads(arguments.threads)


def _begin_at(base: Path | None, analyzer: Any) -> None:
    if base is not None:
        analyzer.analyze_checkpoint(base, 0)


def _exit_code(arguments: argparse.Namespace, analyses: Iterable[CheckpointAnalysis]) -> int:
    from rldk_tui.events import Severity

    fail_on = Severity(arguments.fail_on)
    return int(any(issue.severity.rank >= fail_on.rank for analysis in analyses for issue in analysis.issues))


class _Progress:
    """Says on standard error how much is done, where that is a terminal and it takes long.

    Attributes:
        what: What is being done.
    """

    def __init__(self, what: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self.what = what
        self._clock = clock
        self._told_at = clock() + _PATIENCE - _BETWEEN
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        now = self._clock()
        if not sys.stderr.isatty() or (now < self._told_at + _BETWEEN and not (self._shown and done == total)):
            return
        self._told_at, self._shown = now, done < total
        gib = 1024**3
        text = f"{self.what}  {done / gib:.1f} of {total / gib:.1f} GiB"
        sys.stderr.write(f"\r\x1b[K{text}" if done < total else "\r\x1b[K")
        sys.stderr.flush()
