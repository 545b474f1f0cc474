"""Writes the report: each file is made beside its place and renamed, so no half report is ever left."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rldk_tui.errors import UserError
from rldk_tui.events import SUBFOLDER
from rldk_tui.report.document import document_of, html_of, json_of
from rldk_tui.report.options import PLAIN, ReportOptions
from rldk_tui.report.stages import SILENT, Stages
from rldk_tui.session import RunHealth


@dataclass(frozen=True, slots=True)
class ReportPaths:
    """What was written; no PDF unless it was asked for."""

    html: Path
    json: Path
    pdf: Path | None

    def all(self) -> tuple[Path, ...]:
        """Every file."""
        return tuple(path for path in (self.html, self.json, self.pdf) if path is not None)


def report_folder(run: Path) -> Path:
    """Where a run's report lies unless told otherwise; no reader takes what is in it for a log."""
    return run / SUBFOLDER / "report"


def build_report(
    health: RunHealth, directory: Path | None = None, *, pdf: bool, options: ReportOptions = PLAIN, stages: Stages = SILENT
) -> ReportPaths:
    """Write report.html, report.json and, if asked, report.pdf.

    Args:
        health: What is known and judged of the run.
        directory: Where to write; `report_folder` of the run if None.
        pdf: Whether to print the page too. Without what WeasyPrint needs, the other two files are written all the same.
        options: What differs from the report that everybody gets.
        stages: Shows what is done.

    Raises:
        UserError: if the place cannot be written to, or the PDF cannot be made.
    """
    folder = report_folder(health.directory) if directory is None else directory
    stages.begin("Drawing the report")
    document = document_of(health, options)
    page = html_of(document)
    paths = ReportPaths(folder / "report.html", folder / "report.json", folder / "report.pdf" if pdf else None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        put_text(paths.html, page)
        put_text(paths.json, json_of(document))
        if paths.pdf is not None:
            from rldk_tui.report.pdf import print_page

            page, logo = html_of(document, paper=True), options.logo is not None
            put_whole(paths.pdf, lambda path: print_page(page, path, logo=logo, stages=stages))
    except OSError as failure:
        reason = failure.strerror or str(failure)
        raise UserError(f"The report cannot be written to {folder}: {reason}.", "Name another place with -o DIR.") from failure
    return paths


def put_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Have the file written beside its place, then put it there at once; nothing is left of one that failed."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def put_text(path: Path, text: str) -> None:
    """Put a whole text in its place."""
    put_whole(path, lambda part: part.write_text(text, encoding="utf-8"))
