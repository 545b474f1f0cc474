"""`make bench`: every benchmark in turn. Compare figures within one run only; the machine's speed drifts."""

from __future__ import annotations

import runpy
from pathlib import Path

for bench in sorted(Path(__file__).parent.glob("bench_*.py")):
    print(f"\n== {bench.stem.removeprefix('bench_')}", flush=True)
    runpy.run_path(str(bench), run_name="__main__")
