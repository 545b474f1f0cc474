"""What is installed of the libraries that not everything needs, and what for."""

from __future__ import annotations

import importlib
import importlib.metadata
from dataclasses import dataclass

LIBRARIES = (
    ("weasyprint", "weasyprint", "the PDF report", "pip install weasyprint; apt-get install libpango-1.0-0 libpangoft2-1.0-0"),
    ("pynvml", "nvidia-ml-py", "GPU memory, utilisation and power", "pip install nvidia-ml-py"),
    ("numba", "numba", "checkpoint statistics at the speed of memory", "pip install 'rldk-tui[fast]'"),
    ("torch", "torch", ".bin/.pt checkpoints, optimizer states, and the callback", "pip install 'rldk-tui[trl]'"),
    ("trl", "trl", "the callback and rldk train", "pip install 'rldk-tui[trl]'"),
    ("ray", "ray", "rldk checkpoints --executor ray", "pip install 'rldk-tui[ray]'"),
    ("textual_serve", "textual-serve", "rldk-tui --serve", "pip install 'rldk-tui[serve]'"),
)
"""Module, distribution, what it is for, what brings it."""
_HEAVY = frozenset({"torch", "trl", "ray", "numba"})
"""Not imported to see whether they are there: that takes seconds."""


@dataclass(frozen=True, slots=True)
class Library:
    """One optional library.

    Attributes:
        version: None if it is not installed.
        trouble: Why it is installed and cannot be used, or "".
    """

    name: str
    purpose: str
    version: str | None
    remedy: str
    trouble: str = ""


def libraries() -> list[Library]:
    """Every optional library, installed or not."""
    found = []
    for module, distribution, purpose, remedy in LIBRARIES:
        try:
            version: str | None = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            version = None
        found.append(Library(distribution, purpose, version, remedy, _trouble(module) if version else ""))
    return found


def _trouble(module: str) -> str:
    """Why an installed library cannot be used: WeasyPrint without Pango, for one."""
    if module in _HEAVY:
        return ""
    try:
        importlib.import_module(module)
    except (ImportError, OSError) as failure:
        return str(failure).strip().split("\n", 1)[0][:200]
    return ""
