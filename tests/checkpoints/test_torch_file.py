"""Files that torch wrote are read, and none of their pickles runs."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rldk_tui.checkpoints import torch_file, torch_zip
from rldk_tui.checkpoints.file_problem import FileProblem
from rldk_tui.checkpoints.torch_file import load_torch_file, read_torch_weights
from tests.checkpoints.weights import held

torch = pytest.importorskip("torch")


def kinds(path: Path) -> list[str]:
    return [problem.kind for problem in read_torch_weights(path, path.name)[1]]


def test_a_state_dict_is_read_as_it_was(tmp_path: Path) -> None:
    weights = torch.randn(4, 6)
    saved = {
        "plain": weights,
        "tied": weights,
        "transposed": weights.t(),
        "part": weights[1:3],
        "bf16": torch.randn(5).bfloat16(),
        "fp8": torch.randn(5).to(torch.float8_e4m3fn),
        "parameter": torch.nn.Parameter(torch.randn(3)),
        "scalar": torch.tensor(3),
        "empty": torch.empty(0, 2),
        "large": torch.randn(2_000_000),
    }
    torch.save({**saved, "note": "not a tensor", "step": 3}, tmp_path / "pytorch_model.bin")
    tensors, problems = read_torch_weights(tmp_path / "pytorch_model.bin", "pytorch_model.bin")
    assert not problems
    assert [tensor.name for tensor in tensors] == list(saved)
    for tensor in tensors:
        expected = saved[tensor.name].detach().contiguous()
        assert tensor.shape == tuple(expected.shape)
        if tensor.count:
            assert held(tensor).tobytes() == expected.reshape(-1).view(torch.uint8).numpy().tobytes()


@pytest.mark.parametrize("key", ["state_dict", "model", "module"])
def test_weights_below_a_key_keep_their_names(tmp_path: Path, key: str) -> None:
    torch.save({key: {"layer.weight": torch.ones(2)}, "epoch": 1}, tmp_path / "model.pt")
    assert [tensor.name for tensor in read_torch_weights(tmp_path / "model.pt", "")[0]] == ["layer.weight"]


class Malicious:
    """Its pickle makes a file when it is read by Python."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def test_a_pickle_that_would_run_code_does_not(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    torch.save({"w": torch.ones(2), "x": Malicious(mark)}, tmp_path / "zip.bin")
    torch.save({"x": Malicious(mark)}, tmp_path / "legacy.bin", _use_new_zipfile_serialization=False)
    (tmp_path / "bare.bin").write_bytes(pickle.dumps(Malicious(mark)))
    for name in ("zip.bin", "legacy.bin", "bare.bin"):
        assert kinds(tmp_path / name) == ["refused-pickle"]
    assert not mark.exists()
    pickle.loads((tmp_path / "bare.bin").read_bytes())  # noqa: S301 - it does what it is said to do
    assert mark.exists()


def test_no_variable_of_the_environment_makes_it_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    torch.save({"x": Malicious(mark)}, tmp_path / "m.bin")
    code = (
        f"from rldk_tui.checkpoints.layout import *; print(open_checkpoint(Path({str(tmp_path / 'm.bin')!r})).problems[0].kind)"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"from pathlib import Path; {code}"],
        env={"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "refused-pickle"
    assert not mark.exists()


def test_a_whole_model_is_refused_and_says_what_it_asks_for(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pt")
    (problem,) = read_torch_weights(tmp_path / "model.pt", "model.pt")[1]
    assert problem.kind == "refused-pickle"
    assert "torch.nn.modules.linear.Linear" in problem.message


@pytest.mark.parametrize("old", ["2.9.1", "2.5.0+cu121", "1.13.1"])
def test_a_torch_that_could_be_made_to_run_code_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str) -> None:
    torch.save({"w": torch.ones(2)}, tmp_path / "m.bin")
    monkeypatch.setattr(torch, "__version__", old)
    assert kinds(tmp_path / "m.bin") == ["torch-too-old"]


def test_without_torch_it_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"w": torch.ones(2)}, tmp_path / "m.bin")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert kinds(tmp_path / "m.bin") == ["torch-missing"]


@pytest.mark.parametrize(
    ("tensor", "kind"),
    [
        (torch.zeros(1).expand(10**12), "shape-mismatch"),
        (torch.zeros(4, dtype=torch.complex64), "unknown-dtype"),
        (torch.eye(3).to_sparse(), "unknown-dtype"),
        (torch.empty(2**40, 0), "shape-mismatch"),
    ],
)
def test_a_tensor_that_cannot_be_gone_through_leaves_the_others(tmp_path: Path, tensor: Any, kind: str) -> None:
    torch.save({"bad": tensor, "good": torch.ones(2)}, tmp_path / "m.bin")
    tensors, problems = read_torch_weights(tmp_path / "m.bin", "m.bin")
    assert ([one.name for one in tensors], [one.kind for one in problems]) == (["good"], [kind])


def test_the_same_bytes_again_and_again_are_not_read_for_ever(tmp_path: Path) -> None:
    weights = torch.ones(100_000)
    torch.save({str(index): weights for index in range(1000)}, tmp_path / "m.bin")
    tensors, problems = read_torch_weights(tmp_path / "m.bin", "m.bin")
    assert sum(tensor.size for tensor in tensors) <= 5 * (tmp_path / "m.bin").stat().st_size
    assert [problem.kind for problem in problems] == ["offsets-overlap"]


def deep(levels: int) -> list[Any]:
    nest: list[Any] = []
    for _ in range(levels):
        nest = [nest, nest]
    return nest


@pytest.mark.parametrize("content", [deep(14), deep(200), 7, [torch.ones(2)], {"a": {"b": 1}}])
def test_what_is_no_state_dict_is_one_problem_in_bounded_time(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "m.bin")
    assert kinds(tmp_path / "m.bin") in (["no-weights"], ["refused-pickle"])


_SINCE_2_6 = ("m/.format_version", "m/.storage_alignment")


def rewritten(
    path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED, without: tuple[str, ...] = ()
) -> Path:
    """The same zip with members replaced, added or left out."""
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if name not in without}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in {**held, **{f"m/{key}": value for key, value in members.items()}}.items():
            archive.writestr(name, content)
    return path


def test_a_zip_that_torch_did_not_write_is_refused(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(50)}, tmp_path / "m.bin")
    assert kinds(rewritten(tmp_path / "m.bin", {}, zipfile.ZIP_DEFLATED)) == ["refused-pickle"]
    with zipfile.ZipFile(tmp_path / "other.bin", "w") as archive:
        archive.writestr("readme.txt", "nothing of torch's")
    assert kinds(tmp_path / "other.bin") == ["refused-pickle"]


def test_a_file_of_a_torch_before_2_6_is_read(tmp_path: Path) -> None:
    torch.save({"w": torch.arange(50.0)}, tmp_path / "m.bin")
    (tensor,), _ = read_torch_weights(rewritten(tmp_path / "m.bin", {}, without=_SINCE_2_6), "m.bin")
    assert held(tensor).tolist() == list(range(50))


def test_a_storage_shorter_than_its_tensor_is_told(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(50)}, tmp_path / "m.bin")
    path = rewritten(tmp_path / "m.bin", {"data/0": b"1234"})
    tensors, problems = read_torch_weights(path, "m.bin")
    assert not tensors
    assert [problem.kind for problem in problems] == ["out-of-range"]


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"w": torch.ones(50)}, tmp_path / "m.bin")
    monkeypatch.setattr(torch_zip, "MAX_PICKLE", 10)
    assert kinds(tmp_path / "m.bin") == ["refused-pickle"]
    monkeypatch.setattr(torch_zip, "MAX_DIRECTORY", 10)
    assert kinds(tmp_path / "m.bin") == ["refused-pickle"]
    monkeypatch.undo()
    monkeypatch.setattr(torch_file, "_MOST_ITEMS", 0)
    assert kinds(tmp_path / "m.bin") == ["refused-pickle"]


def test_a_file_of_more_than_four_gigabytes_is_found_its_way_about_in(tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", b"")
    content = bytearray(path.read_bytes())
    end = content.rfind(b"PK\x05\x06")
    size = int.from_bytes(content[end + 12 : end + 16], "little")
    begin = int.from_bytes(content[end + 16 : end + 20], "little")
    record = b"PK\x06\x06" + (44).to_bytes(8, "little") + bytes(12) + (1).to_bytes(8, "little") * 2
    record += size.to_bytes(8, "little") + begin.to_bytes(8, "little")
    locator = b"PK\x06\x07" + bytes(4) + end.to_bytes(8, "little") + (1).to_bytes(4, "little")
    content[end + 12 : end + 20] = b"\xff" * 8
    path.write_bytes(content[:end] + record + locator + content[end:])
    with path.open("rb") as file:
        found = torch_zip.storages(file.fileno(), "m.bin", path.stat().st_size)
    assert isinstance(found, dict)


def test_a_file_that_changed_is_an_error(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(3_000_000)}, tmp_path / "m.bin")
    (tensor,), _ = read_torch_weights(tmp_path / "m.bin", "m.bin")
    torch.save({"w": torch.ones(2)}, tmp_path / "m.bin")
    with pytest.raises(OSError, match="changed"):
        held(tensor)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255), cut=st.floats(0, 1) | st.just(1.0))
@example(at=0.3992375783834952, byte=5, cut=1.0)
def test_a_damaged_file_is_told_and_nothing_is_raised(tmp_path: Path, at: float, byte: int, cut: float) -> None:
    buffer = io.BytesIO()
    torch.save({"a": torch.ones(3), "b": {"c": torch.arange(4)}, "d": ["text", 1, 2.5]}, buffer)
    content = bytearray(buffer.getvalue())
    content[int(at * len(content))] = byte
    (tmp_path / "m.bin").write_bytes(content[: int(cut * len(content))])
    found = load_torch_file(tmp_path / "m.bin", "m.bin")
    assert isinstance(found, FileProblem) or found.content is not None
    for tensor in read_torch_weights(tmp_path / "m.bin", "m.bin")[0]:
        assert np.size(held(tensor)) == tensor.count


def test_a_pickle_of_a_version_that_is_not_is_refused_without_a_warning(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(3)}, tmp_path / "m.bin")
    content = (tmp_path / "m.bin").read_bytes()
    at = content.index(b"\x80\x02")
    (tmp_path / "m.bin").write_bytes(content[:at] + b"\x80\x0a" + content[at + 2 :])
    with warnings.catch_warnings(action="error"):
        load_torch_file(tmp_path / "m.bin", "m.bin")


def test_a_member_that_claims_gigabytes_is_not_given_to_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"a": torch.ones(3)}, tmp_path / "m.bin")
    content = bytearray((tmp_path / "m.bin").read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = b"\xff\xff\xff\x7f"  # its bytes, unpacked
    (tmp_path / "m.bin").write_bytes(content)
    monkeypatch.setattr(torch, "load", None)
    assert kinds(tmp_path / "m.bin") == ["truncated"]


@pytest.mark.parametrize("alignment", [b"00", b"-1", b"6x"])
def test_an_alignment_that_torch_would_divide_by_in_vain_is_damage(tmp_path: Path, alignment: bytes) -> None:
    torch.save({"a": torch.ones(3)}, tmp_path / "m.bin")
    content = bytearray((tmp_path / "m.bin").read_bytes())
    at = content.index(b"64", content.index(b".storage_alignment"))
    content[at : at + 2] = alignment
    (tmp_path / "m.bin").write_bytes(content)
    assert kinds(tmp_path / "m.bin") == ["truncated"]


def test_a_directory_that_lies_before_the_file_is_damage(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(3)}, tmp_path / "m.bin")
    content = bytearray((tmp_path / "m.bin").read_bytes())
    content[content.index(b"PK\x06\x06") + 55] = 167  # the highest byte of where it begins
    (tmp_path / "m.bin").write_bytes(content)
    assert kinds(tmp_path / "m.bin") == ["truncated"]
