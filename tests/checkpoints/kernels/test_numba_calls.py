"""Processes that compile for different formats at once, into one cold cache: none may read another's code afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba")

TOTALS = """
import sys, time
from pathlib import Path
import numpy as np
from numba.core.caching import IndexDataCacheFile
from rldk_tui.checkpoints.kernels.numba_calls import call
from rldk_tui.checkpoints.kernels.numba_formats import compiled

def slowly(step, seconds):
    return lambda *arguments: (time.sleep(seconds), step(*arguments))[1]

before_index, before_code = (float(seconds) for seconds in sys.argv[3:5])
IndexDataCacheFile._save_index = slowly(IndexDataCacheFile._save_index, before_index)
IndexDataCacheFile._save_data = slowly(IndexDataCacheFile._save_data, before_code)

@compiled
def total(numbers):
    found = 0
    for number in numbers:
        found += number
    return found

if __name__ == "__main__":
    (me, others), types = sys.argv[1:3], sys.argv[5:]
    Path(me).touch()
    while not Path(others).exists():
        time.sleep(0.001)
    print(*(int(call(total, np.arange(5, dtype=name))) for name in types))
"""


def test_a_cold_cache_shared_by_two_processes(tmp_path: Path) -> None:
    program = tmp_path / "totals.py"
    program.write_text(TOTALS)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def start(me: str, others: str, delays: str, types: str) -> subprocess.Popen[str]:
        told = [str(tmp_path / me), str(tmp_path / others), *delays.split(), *types.split()]
        return subprocess.Popen([sys.executable, program, *told], env=environment, stdout=subprocess.PIPE, text=True)

    # unlocked, the second's index is the last to be written and the first's code
    for running in (start("a", "b", "0.1 0.5", "int8"), start("b", "a", "0.3 0.1", "uint16")):
        assert running.communicate(timeout=120)[0] == "10\n"
    assert start("c", "c", "0 0", "int8 uint16").communicate(timeout=120)[0] == "10 10\n"
