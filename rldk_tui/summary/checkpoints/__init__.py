"""Checkpoints in the forms that people and programs take: one, two against each other, all of a run."""

from rldk_tui.summary.checkpoints.analysis_prose import analysis_lines
from rldk_tui.summary.checkpoints.beside import RunCheckpoints, gathered
from rldk_tui.summary.checkpoints.comparison_prose import comparison_lines
from rldk_tui.summary.checkpoints.objects import CHECKPOINTS_VERSION, analysis_object, comparison_object, run_object
from rldk_tui.summary.checkpoints.run_prose import recorded_lines, run_lines
from rldk_tui.summary.checkpoints.schema import checkpoints_schema

__all__ = [
    "CHECKPOINTS_VERSION",
    "RunCheckpoints",
    "analysis_lines",
    "analysis_object",
    "checkpoints_schema",
    "comparison_lines",
    "comparison_object",
    "gathered",
    "recorded_lines",
    "run_lines",
    "run_object",
]
