"""No length in a damaged or hostile table of generations asks for memory that ends the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path, PurePath

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.events import ReadProblem
from rldk_tui.readers import completions_parquet, read_safely
from rldk_tui.readers._parquet_sizes import MAGIC, check_sizes
from rldk_tui.readers._thrift import struct
from tests.conftest import SAMPLE_RUNS

WHOLE = (SAMPLE_RUNS / "grpo-reward-collapse" / "completions" / "completions_00010.parquet").read_bytes()
PAGE = 28
"""Where the first page of values begins in it, and where its header tells how many there are."""
COUNT = 36


def problem_of(file: Path) -> str:
    (problem,) = read_safely(completions_parquet.FORMAT, file, PurePath(file.name))
    assert isinstance(problem, ReadProblem)
    return problem.message


def changed(at: int, byte: int) -> bytes:
    return WHOLE[:at] + bytes([byte]) + WHOLE[at + 1 :]


def test_every_real_file_passes() -> None:
    for file in SAMPLE_RUNS.glob("*/completions/*.parquet"):
        check_sizes(file.read_bytes())


@pytest.mark.parametrize("at", [COUNT, 199, 905, 1133, 1377])
def test_a_page_of_less_than_no_values_is_damage(tmp_path: Path, at: int) -> None:
    assert WHOLE[at] == 48
    file = tmp_path / "completions_00010.parquet"
    file.write_bytes(changed(at, 49))
    assert "damaged: a number of values cannot be (-25)" in problem_of(file)


def test_what_is_declined_would_end_the_process() -> None:
    """Or the check is not needed any more."""
    code = f"import polars, sys; polars.read_parquet(bytes.fromhex({changed(COUNT, 49).hex()!r}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode < 0


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (WHOLE[:-1], "not whole yet"),
        (WHOLE[:-8] + b"\xff\xff\xff\x7f" + MAGIC, "longer than the file"),
        (MAGIC + b"\x00\x01\x00\x00\x00" + MAGIC, "no number of rows"),
        (MAGIC + b"\x1c" * 40 + b"\x28\x00\x00\x00" + MAGIC, "nested too deep"),
        (MAGIC + b"\x19" * 40 + b"\x28\x00\x00\x00" + MAGIC, "nested too deep"),
        (MAGIC + b"\x19\xfc\xff\xff\xff\xff\x0f" + b"\x07\x00\x00\x00" + MAGIC, "list that is longer"),
        (changed(PAGE + 1, 6), "not parquet.s"),
    ],
)
def test_other_lengths_that_cannot_be(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_sizes(data)


def test_a_text_that_is_said_a_million_times_is_not_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completions_parquet, "MOST_BYTES", 10_000)
    file = tmp_path / "completions_00001.parquet"
    pl.DataFrame({"completion": ["x" * 1000] * 11}).write_parquet(file)
    assert "its texts have more than 10000 bytes" in problem_of(file)


def test_more_values_than_generations_ever_have_are_declined(tmp_path: Path) -> None:
    file = tmp_path / "completions_00001.parquet"
    pl.DataFrame({"completion": pl.repeat("x", 6_000_000, eager=True)}).write_parquet(file)
    assert "a number of rows cannot be (6000000)" in problem_of(file)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_structure_or_not(data: bytes) -> None:
    try:
        _, end = struct(data, 0)
    except ValueError:
        return
    assert 0 < end <= len(data)
