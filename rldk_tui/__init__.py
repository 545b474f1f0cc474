"""RLDK-TUI: makes an RL fine-tuning run tell the truth.

In a notebook::

    import rldk_tui
    health = rldk_tui.open_run("runs/x")
    health.findings

Importing this package imports nothing else; each face is loaded when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from rldk_tui.session import RunHealth

__version__ = "0.1.0"
__all__ = ["__version__", "open_run"]


def open_run(path: str | Path) -> RunHealth:
    """Read a run directory to its end and return what is known and judged of it.

    The value is the same `RunHealth` that the monitor, the report and `rldk check` show.

    Raises:
        rldk_tui.errors.UserError: if `path` is not a run directory; `hint` says what was looked for.
    """
    from rldk_tui.session import RunSession

    return RunSession.open(path).poll()
