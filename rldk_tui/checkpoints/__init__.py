"""Checkpoints on disk, looked at without loading a model and without ever running a pickle.

`folder` says what a checkpoint folder holds and whether it is whole, `layout` opens one, `kernels` measure a tensor in one
pass, `analyzer` measures, compares and judges, `record` writes what was measured into a run's log. Floor: above `scoring`,
below the readers. Torch is imported where torch's own files are read, NumPy's kernels where numbers are: not by this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rldk_tui.checkpoints.folder import CheckpointFolder, checkpoints_of, inspect_folder, step_of

if TYPE_CHECKING:
    from rldk_tui.checkpoints.analysis import CheckpointAnalysis
    from rldk_tui.checkpoints.analyzer import CheckpointAnalyzer
    from rldk_tui.checkpoints.comparison import Comparison
    from rldk_tui.checkpoints.issues import CheckpointIssue

__all__ = [
    "CheckpointAnalysis",
    "CheckpointAnalyzer",
    "CheckpointFolder",
    "CheckpointIssue",
    "Comparison",
    "checkpoints_of",
    "inspect_folder",
    "step_of",
]

_ELSEWHERE = {
    "CheckpointAnalysis": "analysis",
    "CheckpointAnalyzer": "analyzer",
    "CheckpointIssue": "issues",
    "Comparison": "comparison",
}


def __getattr__(name: str) -> Any:
    """What reads weights is loaded when it is first asked for: the monitor asks for names of folders alone."""
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_ELSEWHERE[name]}"), name)
