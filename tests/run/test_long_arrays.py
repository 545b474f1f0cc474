"""Long columns: they hold what they held, wherever they lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rldk_tui.events.entries import all_finite
from rldk_tui.run import long_arrays
from rldk_tui.run.columns import Table
from rldk_tui.run.long_arrays import LongArrays

ROWS = 5_000


@pytest.fixture(params=["mapped", "read-only home", "short"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    home = tmp_path / "cache"
    if request.param == "read-only home":
        home.write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    monkeypatch.setattr(long_arrays, "SHORT", 10**9 if request.param == "short" else 64)
    return str(request.param)


def test_a_table_is_the_same_after_its_memory_was_handed_back(place: str) -> None:
    table = Table()
    for start in range(0, ROWS, 700):
        steps = np.arange(start, min(ROWS, start + 700))
        table.put_many(steps, steps / 2, {"loss": all_finite(np.asarray(steps * 1.5, np.float64))}, 8)
        table.release()
    shown = table.rows()
    table.put(3, 0.0, {"loss": 7.0}, 9)
    table.release()
    np.testing.assert_array_equal(shown.steps, np.arange(ROWS))
    np.testing.assert_array_equal(shown.column("loss").values, np.arange(ROWS) * 1.5)
    assert table.rows().column("loss").values[3] == 7.0


def test_a_long_array_is_no_memory_of_the_process_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    arrays = LongArrays()
    long = arrays.empty(4_000_000, np.float64)
    long[:] = 1.0
    assert list((tmp_path / "rldk").iterdir()) == []
    arrays.release()
    lines = Path("/proc/self/smaps").read_text().split("\n")
    mapped = [at for at, line in enumerate(lines) if str(tmp_path / "rldk") in line]
    resident = [next(line for line in lines[at:] if line.startswith("Rss:")) for at in mapped]
    assert resident
    assert all(line.split()[1] == "0" for line in resident)
    assert float(long.sum()) == 4_000_000


def test_nothing_is_mapped_for_a_short_array(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert LongArrays().empty(1000, np.float64).size == 1000
    assert list(tmp_path.iterdir()) == []


def test_a_long_first_block_is_taken_as_it_is_and_never_written_to(place: str) -> None:
    table, steps = Table(), np.arange(1000)
    losses = np.asarray(steps * 1.5, np.float64)
    table.put_many(steps, steps / 2, {"loss": all_finite(losses)}, 8)
    table.release()
    table.put(10, 0.0, {"loss": 7.0, "kl": 1.0}, 9)
    table.put(2000, 0.0, {"loss": 8.0}, 8)
    table.put_many(np.array([1500]), np.array([0.0]), {"loss": all_finite(np.array([9.0]))}, 8)
    np.testing.assert_array_equal(losses, steps * 1.5)
    rows = table.rows()
    assert rows.steps[-3:].tolist() == [999, 1500, 2000]
    assert rows.column("loss").values[[10, 11, 1000, 1001]].tolist() == [7.0, 16.5, 9.0, 8.0]
    assert np.flatnonzero(rows.column("kl").present).tolist() == [10]
