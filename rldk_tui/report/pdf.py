"""Prints the page as PDF. The only place that imports WeasyPrint."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rldk_tui.errors import UserError
from rldk_tui.report.stages import SILENT, Stages

_PANGO = "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"


class _PagesTold(logging.Handler):
    """Makes WeasyPrint's own word of each page it lays out a stage."""

    def __init__(self, stages: Stages) -> None:
        super().__init__()
        self._stages = stages

    def emit(self, record: logging.LogRecord) -> None:
        _, _, page = record.getMessage().partition("Page ")
        if page:
            self._stages.begin(f"Printing page {page}")


@contextmanager
def _told(stages: Stages) -> Iterator[None]:
    """While it lasts each page is told, and to nobody else."""
    logger, handler = logging.getLogger("weasyprint.progress"), _PagesTold(stages)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


def print_page(page: str, target: Path, *, logo: bool = False, stages: Stages = SILENT) -> None:
    """Print the page; it is whole in itself, and whatever URL a run's text smuggled in is refused.

    Args:
        page: HTML.
        target: The file.
        logo: Whether the page has a picture, as a `data:` URL, which asks nobody for anything.
        stages: Shows what is done.

    Raises:
        UserError: if WeasyPrint, or the system's Pango that it draws text with, is not installed.
    """
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except OSError as failure:
        raise UserError(
            "The PDF needs Pango, which is not installed; report.html and report.json are written.", _PANGO
        ) from failure
    except ImportError as failure:
        raise UserError("The PDF needs WeasyPrint 68 or newer.", "pip install 'weasyprint>=68'") from failure
    # It warns of every property that only screens know.
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)
    stages.begin("Printing the PDF")
    with _told(stages):
        HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=("data",) if logo else ())).write_pdf(target)
