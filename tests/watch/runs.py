"""A recorded run that happens now: its events keep their order and pace, and a process of this machine wrote them."""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import Any

from tests.conftest import SAMPLE_RUNS


class RunNow:
    """Writes a sample run's own log again, as if it were trained now by the process `pid`."""

    def __init__(self, sample: str, run: Path, pid: int | None = None) -> None:
        lines = (SAMPLE_RUNS / sample / "rldk" / "events-rank00000.jsonl").read_bytes().splitlines()
        self._events: list[dict[str, Any]] = [json.loads(line) for line in lines]
        self._shift = time.time() - self._events[0]["time"]
        self._facts = {"host": platform.node(), "pid": os.getpid() if pid is None else pid}
        self._log = run / "rldk" / "events-rank00000.jsonl"

    def write(self, upto: float = 1.0, since: float = 0.0) -> None:
        """Append a share of the events."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        count = len(self._events)
        with self._log.open("a") as log:
            for event in self._events[round(since * count) : round(upto * count)]:
                facts = self._facts if event["type"] == "run_started" else {}
                log.write(json.dumps({**event, "time": event["time"] + self._shift, **facts}) + "\n")
