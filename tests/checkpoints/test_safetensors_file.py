"""A safetensors file of any content is read, or told what is wrong with it."""

from __future__ import annotations

import json
import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.checkpoints.safetensors_file import MAX_HEADER, read_safetensors
from rldk_tui.checkpoints.tensors import DType
from tests.checkpoints.weights import entry, held, write

FOUR = np.arange(4, dtype="<f4").tobytes()


def kinds(path: Path) -> list[str]:
    return [problem.kind for problem in read_safetensors(path, path.name)[1]]


def names(path: Path) -> list[str]:
    return [tensor.name for tensor in read_safetensors(path, path.name)[0]]


def test_what_the_library_wrote_is_read_as_it_was(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    of_type = {
        "F64": torch.float64,
        "F32": torch.float32,
        "F16": torch.float16,
        "BF16": torch.bfloat16,
        "F8_E4M3": torch.float8_e4m3fn,
        "F8_E5M2": torch.float8_e5m2,
        "I64": torch.int64,
        "U8": torch.uint8,
        "BOOL": torch.bool,
    }
    saved = {name: torch.arange(-3, 3).reshape(2, 3).to(dtype) for name, dtype in of_type.items()}
    saved |= {"scalar": torch.tensor(2.5), "empty": torch.empty(0, 3)}
    save_file(saved, tmp_path / "model.safetensors", metadata={"format": "pt"})

    tensors, problems = read_safetensors(tmp_path / "model.safetensors", "model.safetensors")

    assert not problems
    assert {tensor.name for tensor in tensors} == set(saved)
    for tensor in tensors:
        expected = saved[tensor.name]
        assert tensor.shape == tuple(expected.shape)
        assert tensor.dtype == DType(tensor.name if tensor.name in of_type else "F32")
        assert held(tensor).tobytes() == expected.reshape(-1).view(torch.uint8).numpy().tobytes() or not tensor.count


WHOLE = {"a": entry(0, 8), "b": entry(8, 16)}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty-file"),
        (b"\x10\x00\x00", "truncated"),
        (struct.pack("<Q", 1000) + b"{}", "header-too-long"),
        (struct.pack("<Q", MAX_HEADER + 1), "header-too-long"),
        (struct.pack("<Q", 2**64 - 1), "header-too-long"),
        (struct.pack("<Q", 3) + b"{a}", "bad-header"),
        (struct.pack("<Q", 2) + b"[]", "bad-header"),
        (struct.pack("<Q", 0), "bad-header"),
        (struct.pack("<Q", 8) + b'{"\xff":{}}', "bad-header"),
        (struct.pack("<Q", 20_004) + b'{"":' + b"[" * 10_000 + b"]" * 9_999 + b"}", "bad-header"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "lfs-pointer"),
    ],
)
def test_a_file_without_a_header_is_one_problem(tmp_path: Path, content: bytes, kind: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    assert (names(path), kinds(path)) == ([], [kind])


@pytest.mark.parametrize(
    ("header", "kind", "left"),
    [
        ({"a": entry(0, 8), "b": entry(4, 12)}, "offsets-overlap", ["a"]),
        ({"a": entry(0, 16), "b": entry(0, 16)}, "offsets-overlap", ["a"]),
        ({"a": entry(0, 8), "b": entry(12, 40)}, "out-of-range", ["a"]),
        ({"a": entry(0, 8), "b": entry(16, 8, [])}, "out-of-range", ["a"]),
        ({"a": entry(0, 8), "b": entry(8, 40)}, "truncated", ["a"]),
        ({"a": entry(0, 8), "b": entry(8, 16, [3])}, "shape-mismatch", ["a"]),
        ({"a": entry(0, 8), "b": entry(8, 16, [2**62, 2**62])}, "shape-mismatch", ["a"]),
        ({"a": entry(0, 16), "b": entry(16, 16, [2**40, 0])}, "shape-mismatch", ["a"]),
        ({"a": entry(0, 8), "b": entry(8, 16, dtype="F4")}, "unknown-dtype", ["a"]),
        ({"a": entry(0, 8), "b": entry(8, 16, [-2])}, "bad-entry", ["a"]),
        ({"a": entry(0, 8), "b": entry(8, 16, [10**30])}, "bad-entry", ["a"]),
        ({"a": entry(0, 8), "b": entry(8, 16, [1] * 1000)}, "bad-entry", ["a"]),
        ({"a": entry(0, 8), "b": {"dtype": "F32", "shape": [2]}}, "bad-entry", ["a"]),
        ({"a": entry(0, 8), "b": 7}, "bad-entry", ["a"]),
        ({"a": entry(0, 8)}, "unused-bytes", ["a"]),
        ({"a": entry(0, 4), "b": entry(8, 16)}, "unused-bytes", ["a", "b"]),
        (b'{"a":{"dtype":"F32","dtype":"I32","shape":[4],"data_offsets":[0,16]}}', "bad-entry", []),
        (b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{}}', "duplicate-tensor", ["a"]),
    ],
)
def test_one_bad_tensor_leaves_the_others(tmp_path: Path, header: dict[str, Any] | bytes, kind: str, left: list[str]) -> None:
    path = write(tmp_path / "model.safetensors", header, FOUR)
    assert (names(path), kinds(path)) == (left, [kind])
    assert all(held(tensor).size == tensor.count for tensor in read_safetensors(path, "")[0])


def test_what_many_tensors_share_is_told_once_with_the_first_name(tmp_path: Path) -> None:
    hostile = "\x1b[2J" + "x" * 1000
    header = {hostile: entry(0, 4, dtype="C64")} | {f"t{index}": entry(0, 4, dtype="C64") for index in range(99)}
    (problem,) = (one for one in read_safetensors(write(tmp_path / "m", header, FOUR), "m")[1] if one.kind == "unknown-dtype")
    assert problem.tensor == hostile
    assert "\x1b" not in problem.message
    assert len(problem.message) < 250


def test_a_hundred_thousand_tensors(tmp_path: Path) -> None:
    header = {f"layers.{index}.weight": entry(index * 4, index * 4 + 4) for index in range(100_000)}
    tensors, problems = read_safetensors(write(tmp_path / "m", header, bytes(400_000)), "m")
    assert len(tensors) == 100_000
    assert not problems


def test_a_header_of_countless_entries_takes_bounded_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "m", b"{" + b",".join(b'"%d":1' % index for index in range(1_000_001)) + b"}")
    assert kinds(path) == ["too-many-tensors"]


@pytest.mark.parametrize("truncated_to", [0, 100, 1_000_000])
def test_a_file_cut_short_after_it_was_opened_is_an_error_and_no_crash(tmp_path: Path, truncated_to: int) -> None:
    data = np.ones(2_000_000, dtype="<f4")
    path = write(tmp_path / "m", {"large": entry(0, 7_999_984), "small": entry(7_999_984, 8_000_000)}, data.tobytes())
    tensors, _ = read_safetensors(path, "m")
    os.truncate(path, truncated_to)
    for tensor in tensors:
        with pytest.raises(OSError, match="changed"):
            held(tensor)


def test_a_file_replaced_by_another_of_the_same_size_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "m", {"a": entry(0, 16)}, FOUR)
    (tensor,), _ = read_safetensors(path, "m")
    write(tmp_path / "new", {"a": entry(0, 16)}, FOUR).replace(path)
    with pytest.raises(OSError, match="changed"):
        held(tensor)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (os.mkfifo, "not-a-file"),
        (lambda path: path.symlink_to("/dev/zero"), "not-a-file"),
        (lambda path: path.symlink_to(path), "unreadable"),
        (lambda path: path.mkdir(), "not-a-file"),
        (lambda _: None, "unreadable"),
    ],
)
def test_what_is_no_file_is_not_opened(tmp_path: Path, make: Any, kind: str) -> None:
    make(tmp_path / "model.safetensors")
    assert kinds(tmp_path / "model.safetensors") == [kind]


NOBODY = 65534


@contextmanager
def as_another_user() -> Iterator[None]:
    """As somebody whom file modes hold back; root becomes nobody for the while."""
    ours = os.geteuid()
    if ours == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(ours)


def test_a_file_of_another_user_is_unreadable() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own may not be entered by others
        path = write(Path(folder) / "m", {"a": entry(0, 16)}, FOUR)
        path.chmod(0o600 if os.geteuid() == 0 else 0)
        Path(folder).chmod(0o755)
        with as_another_user():
            (problem,) = read_safetensors(path, "m")[1]
    assert problem.kind == "unreadable"
    assert "0600" in problem.advice


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
)
ENTRIES = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from([*DType, "F4", ""]) | JSON,
        "shape": st.lists(st.integers(-1, 5) | st.integers(), max_size=4) | JSON,
        "data_offsets": st.lists(st.integers(-1, 40) | st.integers(), min_size=2, max_size=2) | JSON,
    }
)


def check(path: Path) -> None:
    """Whatever the file holds: an answer, in which no two tensors share a byte and every number can be had."""
    tensors, problems = read_safetensors(path, "m")
    assert sum(tensor.size for tensor in tensors) <= path.stat().st_size
    for tensor in tensors:
        assert held(tensor).size == tensor.count
    assert len({problem.kind for problem in problems}) == len(problems)


@given(header=st.dictionaries(st.text(max_size=5), ENTRIES | JSON, max_size=6), data=st.binary(max_size=40))
def test_any_header(header: dict[str, Any], data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    check(write(tmp_path_factory.getbasetemp() / "fuzzed", header, data))


@given(content=st.binary(max_size=200))
def test_any_bytes(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    path.write_bytes(content)
    check(path)


@given(at=st.integers(0, 10_000), byte=st.integers(0, 255), cut=st.integers(0, 10_000))
def test_a_real_file_with_a_byte_changed_or_cut_short(
    at: int, byte: int, cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = bytearray(json.dumps({name: entry(4 * index, 4 * index + 4, []) for index, name in enumerate("abcdef")}).encode())
    whole = bytearray(struct.pack("<Q", len(whole))) + whole + bytes(24)
    whole[at % len(whole)] = byte
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    path.write_bytes(whole[: len(whole) - cut % len(whole)])
    check(path)
