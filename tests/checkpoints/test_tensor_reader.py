"""The numbers of tensors, whatever happens to their file meanwhile."""

from __future__ import annotations

import fcntl
import os
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest

from rldk_tui.checkpoints.safetensors_file import read_safetensors
from rldk_tui.checkpoints.tensor_reader import COPIED, TensorReader
from rldk_tui.checkpoints.tensors import StoredTensor
from tests.checkpoints.made import tensors_file
from tests.checkpoints.weights import entry, write

LARGE = np.arange(COPIED // 2, dtype="<f4")
SMALL = np.arange(4, dtype="<f4")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of a tensor that is mapped and one that is copied."""
    return tensors_file(tmp_path / "m.safetensors", {"large": LARGE, "small": SMALL})


def tensors(path: Path) -> tuple[StoredTensor, StoredTensor]:
    large, small = read_safetensors(path, path.name)[0]
    return large, small


def leases(path: Path) -> bool:
    """Whether the file system gives read leases."""
    with path.open("rb") as file:
        try:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError:
            return False
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return True


@contextmanager
def open_for_writing(path: Path) -> Iterator[None]:
    """As long as somebody could write to the file, there is no lease."""
    with path.open("r+b"):
        yield


@pytest.mark.parametrize("lease", [True, False])
def test_runs_and_places_of_a_large_tensor(path: Path, lease: bool) -> None:
    with nullcontext() if lease else open_for_writing(path), TensorReader() as reader:
        numbers = reader.numbers(tensors(path)[0])
        assert numbers.size == LARGE.size
        np.testing.assert_array_equal(numbers[1000:2000], LARGE[1000:2000])
        np.testing.assert_array_equal(numbers[LARGE.size - 5 : LARGE.size + 5], LARGE[-5:])
        np.testing.assert_array_equal(numbers[np.array([0, 7, LARGE.size - 1])], LARGE[[0, 7, -1]])


def test_a_large_tensor_is_mapped_and_a_small_one_copied(path: Path) -> None:
    if not leases(path):
        pytest.skip("no read leases here")
    large, small = tensors(path)
    tracemalloc.start()
    with TensorReader() as reader:
        assert [numbers[:][3] for numbers in (reader.numbers(large), reader.numbers(small))] == [3, 3]
        anonymous = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert anonymous < LARGE.nbytes / 2


def test_whoever_truncates_a_mapped_file_waits_for_the_run_in_hand(path: Path) -> None:
    if not leases(path):
        pytest.skip("no read leases here")
    waiting = threading.Thread(target=os.truncate, args=(path, 0))
    with TensorReader() as reader:
        numbers = reader.numbers(tensors(path)[0])
        run = numbers[: LARGE.size // 2]
        waiting.start()
        time.sleep(0.2)
        with pytest.raises(OSError, match="about to be changed"):
            numbers[LARGE.size // 2 :]
        assert float(run.sum(dtype=np.float64)) == float(LARGE[: run.size].sum(dtype=np.float64))
    waiting.join(10)
    assert path.stat().st_size == 0


def test_a_file_that_is_cut_short_while_it_is_copied(path: Path) -> None:
    with path.open("r+b") as writer, TensorReader() as reader:
        numbers = reader.numbers(tensors(path)[0])
        np.testing.assert_array_equal(numbers[:100], LARGE[:100])
        writer.truncate(1000)
        with pytest.raises(OSError, match=r"changed|shorter"):
            numbers[LARGE.size - 100 :]


def test_a_file_that_is_overwritten_while_it_is_copied(path: Path) -> None:
    with path.open("r+b") as writer, TensorReader() as reader:
        numbers = reader.numbers(tensors(path)[0])
        os.utime(path, ns=(0, 0))
        writer.write(b"\0")
        writer.flush()
        with pytest.raises(OSError, match="changed"):
            numbers[:100]


def test_a_tensor_outlives_the_removal_of_its_file(path: Path) -> None:
    with TensorReader() as reader:
        numbers = reader.numbers(tensors(path)[0])
        path.unlink()
        np.testing.assert_array_equal(numbers[:], LARGE)


def test_a_file_whose_numbers_are_not_aligned_is_copied(tmp_path: Path) -> None:
    header = {"byte": entry(0, 1, [1], "U8"), "large": entry(1, 1 + LARGE.nbytes)}
    path = write(tmp_path / "m.safetensors", header, b"x" + LARGE.tobytes())
    for tensor in read_safetensors(path, "m")[0]:
        with TensorReader() as reader:
            assert reader.numbers(tensor)[:].flags.aligned
