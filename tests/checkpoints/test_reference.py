"""What is kept of earlier checkpoints outlives them, and nothing in its folder is trusted."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rldk_tui.checkpoints.reference import RecentReferences, Reference, References, read_reference, write_reference
from rldk_tui.checkpoints.trace import TensorTrace


def reference(step: int, value: float = 1.0, saved: float | None = None) -> Reference:
    matrix = TensorTrace(
        shape=(3, 2),
        square_sum=6 * value**2,
        digest="d",
        samples=np.full(6, value, np.float32),
        largest=value,
        dead=np.array([False, True, False]),
        largest_singular=2.0,
    )
    vector = TensorTrace(shape=(2,), square_sum=2.0, digest="e", samples=np.ones(2, np.float32), largest=1.0, dead=None)
    return Reference(step, {"a.weight": matrix, "ö\n": vector}, saved)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_reference(reference(7, 0.5), tmp_path / "r.npz")
    found = read_reference(tmp_path / "r.npz")
    assert found is not None
    assert found.step == 7
    assert list(found.traces) == ["a.weight", "ö\n"]
    matrix, vector = found.traces.values()
    assert (matrix.shape, matrix.square_sum, matrix.largest_singular) == ((3, 2), 1.5, 2.0)
    assert matrix.samples.tolist() == [0.5] * 6
    assert matrix.dead is not None
    assert matrix.dead.tolist() == [False, True, False]
    assert vector.dead is None
    assert np.isnan(vector.stable_rank)
    assert [file.name for file in tmp_path.iterdir()] == ["r.npz"]


def test_of_many_the_first_and_the_newest_are_kept(tmp_path: Path) -> None:
    kept = References.of_run(tmp_path)
    assert kept.first(100) is None
    for step in range(10, 100, 10):
        kept.keep(reference(step))
    assert kept.steps() == (10, 70, 80, 90)
    first, previous = kept.first(90), kept.previous(90)
    assert first is not None
    assert previous is not None
    assert (first.step, previous.step) == (10, 80)


def test_a_training_that_goes_back_leaves_what_lay_ahead(tmp_path: Path) -> None:
    kept = References.of_run(tmp_path)
    for time, step in enumerate((10, 20, 30, 40, 25)):
        kept.keep(reference(step, saved=time))
    assert kept.steps() == (10, 20, 25)


def test_checkpoints_may_be_recorded_in_any_order(tmp_path: Path) -> None:
    kept = References.of_run(tmp_path)
    for step in (20, 40, 30, 10):
        kept.keep(reference(step, saved=100.0 * step))
    assert kept.steps() == (10, 20, 30, 40)
    found = kept.previous(40)
    assert found is not None
    assert (found.step, found.saved) == (30, 3000.0)


def test_in_memory_it_is_the_same() -> None:
    kept = RecentReferences()
    for step in (10, 20, 30):
        kept.keep(reference(step))
    first, previous = kept.first(40), kept.previous(40)
    assert first is not None
    assert previous is not None
    assert (first.step, previous.step, kept.first(10)) == (10, 30, None)


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("exploded"),)


def test_a_pickle_in_it_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in (("plain.npz", pickle.dumps(Bomb())), ("zip.npz", _zip_of(pickle.dumps(Bomb())))):
        (tmp_path / name).write_bytes(content)
        assert read_reference(tmp_path / name) is None
    array = io.BytesIO()
    np.savez(array, header=np.array([Bomb()], dtype=object), figures=0, samples=0, dead=0)
    (tmp_path / "object.npz").write_bytes(array.getvalue())
    assert read_reference(tmp_path / "object.npz") is None
    assert not (tmp_path / "exploded").exists()


def _zip_of(content: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("header.npy", content)
    return held.getvalue()


@given(st.integers(0, 3000), st.binary(max_size=20))
@example(971, b"\0\0\0\1")  # a member that says it is encrypted
def test_a_damaged_file_is_as_if_it_were_not_there(tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes) -> None:
    file = tmp_path_factory.mktemp("damaged") / "r.npz"
    write_reference(reference(7), file)
    content = file.read_bytes()
    at %= len(content)
    file.write_bytes(content[:at] + junk + content[at + len(junk) :])
    found = read_reference(file)
    assert found is None or found.step >= 0
    file.write_bytes(content[:at])
    assert read_reference(file) is None


def test_the_nearest_readable_one_is_taken(tmp_path: Path) -> None:
    kept = References.of_run(tmp_path)
    for step in (10, 20, 30):
        kept.keep(reference(step))
    (kept.folder / "reference-30.npz").write_bytes(b"no")
    previous = kept.previous(40)
    assert previous is not None
    assert previous.step == 20
