"""`rldk doctor`: what this installation can do here, and who reads which file of a run."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rldk_tui.cli.output import say

if TYPE_CHECKING:
    from rldk_tui.events import Gpu
    from rldk_tui.summary.doctor import Library
    from rldk_tui.summary.run_files import RunFiles, Source

_ROOMY = 120
"""Columns from which on a file has one line."""
_WIDE = 44
"""Columns for the name of a file."""
_MOST_NAMES = 40
"""Metrics that are named of those that the same files tell."""


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer it."""
    verb = verbs.add_parser("doctor", help="what works here, and which file of a run is read by whom, or why not")
    verb.add_argument("run", type=Path, nargs="?", help="a run directory (without it: this machine alone)")
    verb.add_argument("--json", action="store_true", help="the same as JSON")
    verb.set_defaults(verb=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    from rldk_tui import __version__
    from rldk_tui.run.long_arrays import cache_folder
    from rldk_tui.summary.doctor import libraries
    from rldk_tui.summary.run_files import run_files
    from rldk_tui.system import read_gpus

    run = _folder(arguments.run) if arguments.run is not None else None
    installed, gpus = libraries(), read_gpus()
    found = run_files(run) if run is not None else None
    terminal = _terminal()
    cache = cache_folder()
    kept = sum(file.stat().st_size for file in cache.rglob("*") if file.is_file()) if cache.is_dir() else 0
    if arguments.json:
        answer = {
            "version": __version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "libraries": [asdict(library) for library in installed],
            "terminal": terminal,
            "gpus": [gpu.name for gpu in gpus],
            "cache": {"path": str(cache), "bytes": kept},
            "run": str(run) if run is not None else None,
            "files": [asdict(source) for source in found.sources] if found is not None else [],
            "which": _identity(found) if found is not None else {},
            "metrics": {metric: list(files) for metric, files in sorted(found.metrics.items())} if found is not None else {},
        }
        say(json.dumps(answer, indent=2))
        return 0
    from rldk_tui.charts.format import size

    lines = [f"rldk-tui {__version__}   Python {platform.python_version()}   {platform.platform()}", ""]
    lines += ["Libraries that not everything needs", *_of_libraries(installed), ""]
    lines += ["Terminal", *(f"  {name:<12}{value}" for name, value in terminal.items()), ""]
    lines += ["GPU", *_of_gpus(gpus), ""]
    lines += ["Cache (safe to delete)", f"  {cache}  {size(kept)}"]
    if found is not None:
        lines += ["", f"Run {run}", *(f"  {name:<12}{value}" for name, value in _which(found))]
        lines += ["", "Read", *_of_sources(found.sources), *_of_metrics(found)]
    say("\n".join(lines))
    return 0


def _folder(path: Path) -> Path:
    """The run that is meant; where nothing in a folder is a log, the folder, for then each file's reason is what is asked."""
    from rldk_tui.ingest import NoLogError, locate

    try:
        return locate(path)
    except NoLogError:
        return path


def _of_libraries(installed: list[Library]) -> Iterator[str]:
    for library in installed:
        state = library.version or "not installed"
        yield f"  {library.name:<14}{state:<16}{library.purpose}"
        if library.version is None:
            yield f"  {'':<30}{library.remedy}"
        elif library.trouble:
            yield f"  {'':<30}cannot be used: {library.trouble}"
            yield f"  {'':<30}{library.remedy}"


def _terminal() -> dict[str, str]:
    """What the terminal says of itself, as far as it decides what the monitor can show."""
    columns, rows = shutil.get_terminal_size()
    size = f"{columns}×{rows}" if sys.stdout.isatty() else "none: the output is a file or a pipe"
    inside = [
        name for variable, name in (("TMUX", "tmux"), ("STY", "screen"), ("SSH_CONNECTION", "SSH")) if os.environ.get(variable)
    ]
    colours = "none (NO_COLOR)" if os.environ.get("NO_COLOR") else os.environ.get("COLORTERM") or "as TERM says"
    return {
        "size": size,
        "TERM": os.environ.get("TERM") or "not set",
        "colours": colours,
        "encoding": str(getattr(sys.stdout, "encoding", "unknown")),
        "inside": ", ".join(inside) or "nothing that was noticed",
    }


def _of_gpus(gpus: tuple[Gpu, ...]) -> Iterator[str]:
    from rldk_tui.charts.format import gibibytes

    for gpu in gpus:
        yield f"  {gpu.index}  {gpu.name or 'unnamed'}  {gibibytes(gpu.memory_total)}"
    if not gpus:
        yield "  none that NVML knows of (no NVIDIA driver, or none visible here)"


def _identity(found: RunFiles) -> dict[str, str | int | None]:
    """Which run it is, as far as its files tell; None where they do not."""
    info = found.info
    return {
        "algorithm": info.algorithm.value if info.algorithm else None,
        "trainer": info.trainer,
        "model": info.model,
        "settings": len(info.config),
        "launches": found.launches,
    }


def _which(found: RunFiles) -> Iterator[tuple[str, str]]:
    """The same in words."""
    from rldk_tui.charts.text import one_line

    for name, value in _identity(found).items():
        told = value.upper().replace("_", " ") if name == "algorithm" and isinstance(value, str) else value
        yield name, "not told" if told is None else one_line(str(told))


def _of_metrics(found: RunFiles) -> Iterator[str]:
    """Which files tell of which metrics, metrics with the same files together."""
    from rldk_tui.charts.text import one_line

    if found.metrics:
        yield from ("", "Who tells of what (of several files the first is believed, unless another says that it is not finite)")
    columns = shutil.get_terminal_size((_ROOMY, 24)).columns
    for files, metrics in found.tellers().items():
        yield from textwrap.wrap(one_line(", ".join(files)), columns, initial_indent="  ", subsequent_indent="    ")
        more = f" and {len(metrics) - _MOST_NAMES} more (--json has all)" if len(metrics) > _MOST_NAMES else ""
        names = one_line(", ".join(metrics[:_MOST_NAMES])) + more
        yield from textwrap.wrap(names, columns, initial_indent="      ", subsequent_indent="      ", break_on_hyphens=False)


def _of_sources(found: Sequence[Source]) -> Iterator[str]:
    from rldk_tui.charts.format import count, size
    from rldk_tui.charts.text import one_line
    from rldk_tui.summary.run_files import grouped

    def shown(source: Source, told: str) -> Iterator[str]:
        name = one_line(source.path) + (f" ({source.files} files)" if source.files > 1 else "")
        if narrow:
            yield f"  {name}  {size(source.size)}"
            yield from textwrap.wrap(told, columns, initial_indent="      ", subsequent_indent="      ")
        else:
            yield f"  {name:<{_WIDE}}  {size(source.size):>9}  {told}"

    columns = shutil.get_terminal_size((_ROOMY, 24)).columns
    narrow = columns < _ROOMY
    if not any(source.format for source in found):
        yield "  nothing: no file of it is a log"
    for source in grouped(found):
        if source.format is not None:
            told = ", ".join(
                f"{count(number)} {what if number != 1 else what.removesuffix('s')}" for what, number in source.told
            )
            remark = f"! {one_line(source.remark)}" if source.remark and told else one_line(source.remark)
            yield from shown(source, f"{source.format}: {told or remark or 'nothing'}")
            if told and remark:
                yield f"      {remark}"
    left = [source for source in grouped(found) if source.format is None]
    if left:
        yield from ("", "Not read")
    for source in left:
        yield from shown(source, one_line(source.remark))
