"""The sections of the report, one file each, found by a walk of this folder.

A section is a module with a constant `SECTION`. It builds a frozen dataclass out of the run's health and knows nothing of
HTML; the template of its name, or `_default`, which shows any dataclass as facts and tables, makes the markup. To add one: a
file here; third parties use the entry point `rldk_tui.sections`.
"""

from __future__ import annotations

import pkgutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType

from rldk_tui.diagnosis.border import guarded
from rldk_tui.errors import RldkError
from rldk_tui.session import RunHealth

ENTRY_POINT = "rldk_tui.sections"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the report.

    Attributes:
        title: Its heading.
        order: Its place on the page.
        build: The dataclass the template shows; None leaves the section out of this run's report.
        template: The name of its template in `report_templates/sections/`.
    """

    title: str
    order: int
    build: Callable[[RunHealth], object | None]
    template: str = "_default"


@dataclass(frozen=True, slots=True)
class NamedSection:
    """A section with its id, the name of its file: its anchor in the page and its key in report.json.

    Attributes:
        foreign: Whether a third party wrote it.
    """

    id: str
    section: Section
    foreign: bool = False

    def build(self, health: RunHealth) -> object | None:
        """What it has to say; a third party's that fails is named in a warning and left out."""
        if not self.foreign:
            return self.section.build(health)
        built: list[object | None] = []
        guarded(
            lambda: built.append(self.section.build(health)),
            lambda failure: warnings.warn(f"section {self.id} is left out: {failure!r}", stacklevel=4),
        )
        return built[0] if built else None


def named_section(name: str, module: ModuleType, *, foreign: bool = False) -> NamedSection:
    """The section a module holds.

    Raises:
        RldkError: if it holds none.
    """
    section = getattr(module, "SECTION", None)
    if not isinstance(section, Section):
        raise RldkError(f"{module.__name__}: a section module needs a constant SECTION, a Section")
    return NamedSection(name.replace("_", "-"), section, foreign)


@cache
def load_sections() -> tuple[NamedSection, ...]:
    """Every section, in the order of the page. A third party's that fails to load is named in a warning and left out."""
    own = [named_section(found.name, import_module(f"{__name__}.{found.name}")) for found in pkgutil.iter_modules(__path__)]
    foreign = []
    for point in entry_points(group=ENTRY_POINT):
        try:
            foreign.append(named_section(point.name, point.load(), foreign=True))
        except (ImportError, AttributeError, RldkError) as failure:
            warnings.warn(f"section {point.name} of {point.dist} is left out: {failure}", stacklevel=2)
    return tuple(sorted([*own, *foreign], key=lambda named: (named.section.order, named.id)))
