"""Checkpoints on disk, looked at without loading a model and without ever running a pickle.

`folder` says what a checkpoint folder holds and whether it is whole. Floor: above `scoring`, below the readers.
"""

from rldk_tui.checkpoints.folder import CheckpointFolder, inspect_folder, step_of

__all__ = ["CheckpointFolder", "inspect_folder", "step_of"]
