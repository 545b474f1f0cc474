"""How somebody wants their report."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rldk_tui.errors import UserError
from rldk_tui.report.sections import load_sections

_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
}
LARGEST_LOGO = 256 * 1024
"""Bytes of a logo: it is in every report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """What differs from the report that everybody gets.

    Attributes:
        title: The heading; None for the run's name.
        sections: Ids of those wanted; None for all that have something to say.
        templates: A folder whose templates and style sheet come before ours.
        redact: Whether generations and what tells of the place are left out.
        logo: A picture as a `data:` URL.
    """

    title: str | None = None
    sections: tuple[str, ...] | None = None
    templates: Path | None = None
    redact: bool = False
    logo: str | None = None


PLAIN = ReportOptions()


def wanted_sections(names: Sequence[str]) -> tuple[str, ...]:
    """Ids of sections, checked.

    Raises:
        UserError: if there is no section of one of these names.
    """
    known = [named.id for named in load_sections()]
    for name in names:
        if name not in known:
            raise UserError(f"There is no section {name}.", f"The sections are {', '.join(known)}.")
    return tuple(names)


def templates_in(folder: Path) -> Path:
    """A folder of templates.

    Raises:
        UserError: if it is none.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder of templates.", "It has files named as in report_templates, docs/report.md.")
    return folder


def logo_in(file: Path) -> str:
    """A picture as a `data:` URL.

    Raises:
        UserError: if it cannot be read, is too large, or is no PNG, JPEG or GIF.
    """
    try:
        with file.open("rb") as opened:
            picture = opened.read(LARGEST_LOGO + 1)
    except OSError as failure:
        raise UserError(f"The logo cannot be read: {failure.strerror or failure}.", str(file)) from failure
    kind = next((kind for start, kind in _PICTURES.items() if picture.startswith(start)), None)
    if kind is None or len(picture) > LARGEST_LOGO:
        raise UserError(f"{file} is no PNG, JPEG or GIF of at most {LARGEST_LOGO // 1024} KiB.", "Convert the logo first.")
    return f"data:{kind};base64,{base64.b64encode(picture).decode()}"
