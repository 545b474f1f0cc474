"""The model card (`README.md`) that TRL writes at the first checkpoint: which trainer made the run.

Its front matter carries the trainer's tag, which tells GRPO from RLOO where the metric names cannot.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path, PurePath

from rldk_tui.events import RunDescribed
from rldk_tui.metrics import algorithm_from_trainer
from rldk_tui.readers import DocumentFormat, Read

_FRONT_MATTER = re.compile(rb"\A---\r?\n(.*?)\r?\n---", re.DOTALL)
_TAG = re.compile(r"^- ([\w-]+)\s*$", re.MULTILINE)
_BASE_MODEL = re.compile(r"^base_model:\s*(\S+)\s*$", re.MULTILINE)
_VERSION = re.compile(r"^- ([A-Za-z]+): (\d[\w.+-]*)\s*$", re.MULTILINE)
_LONGEST = 256 * 1024


def read(file: Path, _path: PurePath) -> Iterator[Read]:
    """The algorithm, the base model and the versions the card names."""
    with file.open("rb") as card:
        data = card.read(_LONGEST)
    front = _FRONT_MATTER.match(data)
    if front is None:
        return
    header, body = front[1].decode("utf-8", "replace"), data[front.end() :].decode("utf-8", "replace")
    base = _BASE_MODEL.search(header)
    tags = (algorithm_from_trainer(tag) for tag in _TAG.findall(header))
    yield RunDescribed(
        time=math.nan,
        trainer="TRL",
        algorithm=next((algorithm for algorithm in tags if algorithm is not None), None),
        model=base[1] if base and base[1] != "None" else None,
        versions={name.lower(): version for name, version in _VERSION.findall(body)},
    )


def claims(path: PurePath, head: bytes) -> bool:
    """A card at the top of the run, with TRL's tag."""
    return path == PurePath("README.md") and head.startswith(b"---") and b"- trl" in head


FORMAT = DocumentFormat(name="model card", authority=2, claims=claims, read=read)
