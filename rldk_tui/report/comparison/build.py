"""Writes the comparison's files."""

from __future__ import annotations

from pathlib import Path

from rldk_tui import __version__
from rldk_tui.comparison import Comparison
from rldk_tui.comparison.objects import comparison_object
from rldk_tui.errors import UserError
from rldk_tui.report.build import ReportPaths, put_text, put_whole
from rldk_tui.report.comparison.document import page_of
from rldk_tui.report.templates import environment
from rldk_tui.summary import to_json


def build_comparison(comparison: Comparison, folder: Path, *, pdf: bool, title: str | None = None) -> ReportPaths:
    """Write comparison.html, comparison.json and, if asked, comparison.pdf.

    Raises:
        UserError: if the place cannot be written to, or the PDF cannot be made.
    """
    page = page_of(comparison, title)
    paths = ReportPaths(folder / "comparison.html", folder / "comparison.json", folder / "comparison.pdf" if pdf else None)
    template = environment().get_template("comparison.html.jinja")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        put_text(paths.html, template.render(page=page, version=__version__, paper=False))
        put_text(paths.json, to_json(comparison_object(comparison)) + "\n")
        if paths.pdf is not None:
            from rldk_tui.report.pdf import print_page

            put_whole(paths.pdf, lambda path: print_page(template.render(page=page, version=__version__, paper=True), path))
    except OSError as failure:
        reason = failure.strerror or str(failure)
        raise UserError(f"The comparison cannot be written to {folder}: {reason}.", "Name another place with -o.") from failure
    return paths
