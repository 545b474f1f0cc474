"""W&B's `config.yaml`: the settings of a run, each as `name: {value: …}`.

PyYAML reads it (its safe loader, which makes plain values only); it comes with `transformers`, and where it is missing the
problem says how to get it.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path, PurePath

from rldk_tui.readers import DocumentFormat, Read
from rldk_tui.readers._trainer_config import described

_NAME = "config.yaml"
_LARGEST = 4 * 1024 * 1024
"""Bytes that are read: YAML is slow, and nobody's settings are longer."""


def read(file: Path, _path: PurePath) -> Iterator[Read]:
    """The settings."""
    if find_spec("yaml") is None:
        raise ValueError("reading it needs PyYAML: pip install pyyaml")
    yaml = import_module("yaml")
    with file.open("rb") as opened:
        data = opened.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST} bytes")
    if b"&" in data and b"*" in data:
        raise ValueError("it uses anchors, which W&B does not write and which can blow up")
    try:
        entries = yaml.safe_load(data)
    except (yaml.YAMLError, RecursionError) as failure:
        raise ValueError(f"it is no YAML: {failure}") from None
    if not isinstance(entries, dict):
        raise ValueError("it holds no settings")
    config = {
        str(name): entry["value"]
        for name, entry in entries.items()
        if isinstance(entry, dict) and "value" in entry and name != "_wandb"
    }
    yield described(config)


def claims(path: PurePath, head: bytes) -> bool:
    """A file of that name with W&B's own entry, or values the way W&B wraps them."""
    return path.name == _NAME and (
        b"_wandb:" in head or b"wandb_version:" in head or b"\n  value:" in head or b"\n    value:" in head
    )


FORMAT = DocumentFormat(name="W&B config", authority=1, claims=claims, read=read)
