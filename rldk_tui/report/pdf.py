"""Prints the page as PDF. The only place that imports WeasyPrint."""

from __future__ import annotations

import logging
from pathlib import Path

from rldk_tui.errors import UserError

_PANGO = "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"


def print_page(page: str, target: Path, *, logo: bool = False) -> None:
    """Print the page; it is whole in itself, and whatever URL a run's text smuggled in is refused.

    Args:
        page: HTML.
        target: The file.
        logo: Whether the page has a picture, as a `data:` URL, which asks nobody for anything.

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
    HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=("data",) if logo else ())).write_pdf(target)
