"""What a reader of the printed pages would complain of, found in WeasyPrint's own layout of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from weasyprint import HTML
from weasyprint.urls import URLFetcher

_HEADINGS = {"h1", "h2", "h3", "h4", "summary", "thead", "figcaption"}
_WHOLE = {"svg", "figure", "tr", "h1", "h2", "h3", "h4"}
_MOSTLY_EMPTY = 0.2
_TOLERANCE = 1.0


def complaints(page: str) -> Iterator[str]:
    """Pages that are nearly empty, headings that nothing follows, things cut by an edge or by the end of a page.

    Args:
        page: A whole HTML page, laid out as it would be printed.
    """
    laid_out = HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=())).render().pages
    seen: dict[int, int] = {}
    for number, sheet in enumerate((one._page_box for one in laid_out), 1):
        top, bottom, right = sheet.margin_top, sheet.margin_top + sheet.height, sheet.margin_left + sheet.width
        inside = [box for box in sheet.children[0].descendants() if box.element_tag != "html"]
        ink = [box for box in inside if getattr(box, "text", "").strip() or _tag(box) == "svg"]
        if not ink:
            yield f"page {number} is empty"
            continue
        lowest = max(box.position_y + box.margin_height() for box in ink)
        if number < len(laid_out) and lowest - top < _MOSTLY_EMPTY * sheet.height:
            yield f"page {number} is nearly empty"
        for box in ink:
            what = f"{_tag(box)} {getattr(box, 'text', '')[:40]!r} of page {number}"
            if box.position_x + box.width > right + _TOLERANCE:
                yield f"{what} is cut at the right"
            if box.position_y + box.height > bottom + _TOLERANCE:
                yield f"{what} is cut at the bottom"
        yield from _alone(ink, inside, number)
        repeated = {id(part) for box in inside if _tag(box) == "thead" for part in box.descendants()}
        for box in inside:
            if _tag(box) in _WHOLE and id(box) not in repeated and seen.setdefault(id(box.element), number) != number:
                yield f"{_tag(box)} is split between pages {seen[id(box.element)]} and {number}"


def _tag(box: Any) -> str:
    return str(box.element_tag).rpartition("}")[2]


def _alone(ink: list[Any], inside: list[Any], number: int) -> Iterator[str]:
    """The last thing on a page, where that is a heading."""
    last = max(ink, key=lambda box: box.position_y)
    for box in inside:
        if _tag(box) in _HEADINGS and any(last is part for part in box.descendants()):
            yield f"{_tag(box)} {getattr(last, 'text', '')[:40]!r} ends page {number}"
            return
