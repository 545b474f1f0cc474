"""The JSON files beside the weights, read up to a limit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rldk_tui.checkpoints.file_problem import FileProblem, of_system
from rldk_tui.checkpoints.stored_bytes import FileIdentity, opened, read_at

CONFIG = 4 << 20
"""Bytes of a `config.json`; the longest known are a few hundred kB (label names)."""
INDEX = 32 << 20
"""Bytes of an index of shards: about 100 a tensor."""
TRAINER_STATE = 32 << 20
"""Bytes of a `trainer_state.json`: about 500 a log, so 60,000 of them."""


def read_object(path: Path, source: str, most: int) -> Mapping[str, Any] | FileProblem:
    """The object in a JSON file; NaN and Infinity, which Python's writers make, are accepted.

    Takes up to about 25 times the file's size in memory, at worst, which is why there is a limit.

    Args:
        path: The file.
        source: What to call it.
        most: Bytes of which no more are read.
    """
    try:
        with opened(path) as descriptor:
            size = FileIdentity.of(descriptor).size
            if size > most:
                message = f"It is larger than the {most >> 20} MiB that are read of such a file."
                return FileProblem("too-large", source, message, "Look at what wrote it; the weights do not need it.")
            text = read_at(descriptor, 0, size)
    except OSError as failure:
        return of_system(source, failure)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return FileProblem("bad-json", source, "It is not valid JSON.", "It may still be being written; look again later.")
    if not isinstance(value, dict):
        return FileProblem("bad-json", source, "It holds no JSON object.", "Restore it from another checkpoint of the run.")
    return value
