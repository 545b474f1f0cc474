"""Grows a copy of a run the way a training writes it: logs byte by byte, documents whole when their step is reached."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

_GROWS = re.compile(r"\.(?:jsonl|log|out|csv|wandb)$|tfevents")
_STEP = re.compile(r"(?:checkpoint-|completions_)(\d+)")


def grow(source: Path, target: Path, *, looks: int, seed: int) -> Iterator[None]:
    """Write `source` into `target` in `looks` pieces of random size, yielding after each."""
    rng = random.Random(seed)
    files = sorted(file for file in source.rglob("*") if file.is_file())
    steps = {file: int(match[1]) for file in files if (match := _STEP.search(str(file.relative_to(source))))}
    last = max(steps.values(), default=1)
    shares = sorted(rng.random() for _ in range(looks - 1))
    target.mkdir(parents=True, exist_ok=True)
    for share in (*shares, 1.0):
        for file in files:
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if _GROWS.search(file.name):
                data = file.read_bytes()
                written = copy.stat().st_size if copy.exists() else 0
                with copy.open("ab") as log:
                    log.write(data[written : max(written, int(len(data) * share))])
            elif not copy.exists() and (share == 1.0 or steps.get(file, last) <= share * last):
                shutil.copyfile(file, copy)
        yield
