"""Adapters in folders of their own: PEFT saves an adapter that is not named `default` in a folder of its name."""

from __future__ import annotations

import os
from pathlib import Path

from rldk_tui.checkpoints.folder import step_of

ADAPTER_FILES = ("adapter_model.safetensors", "adapter_model.bin")
"""What holds the weights of an adapter, the first that is there."""
_MOST = 256
"""Folders that are looked into."""


def named_adapters(folder: Path) -> tuple[str, ...]:
    """The files of the adapters' weights, relative to the checkpoint: `policy/adapter_model.safetensors`; sorted.

    Checkpoints within a run's directory are no adapters of it.

    Raises:
        OSError: if the checkpoint cannot be listed.
    """
    with os.scandir(folder) as listing:
        names = sorted(entry.name for entry in listing if step_of(entry.name) is None and entry.is_dir())[:_MOST]
    files = (next((file for file in ADAPTER_FILES if (folder / name / file).is_file()), None) for name in names)
    return tuple(f"{name}/{file}" for name, file in zip(names, files, strict=True) if file is not None)
