"""W&B's files: the run file with its framing, what lies beside it, and tables of generations."""

from __future__ import annotations

import json
import math
import shutil
import struct
import zlib
from importlib import util
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.events import Algorithm, Completions, Metrics, ReadProblem, RunDescribed, RunEnded
from rldk_tui.events.entries import Entries
from rldk_tui.readers import Read, read_safely, wandb_config, wandb_summary, wandb_table
from rldk_tui.readers._leveldb_log import HEADER, Damaged, Records
from rldk_tui.readers.wandb_run import WandbDecoder

FIXTURES = Path(__file__).parent / "fixtures"
RUN = next(FIXTURES.rglob("*.wandb"))
BLOCK = 32768


def framed(records: list[bytes]) -> bytes:
    """Records as W&B's client frames them."""
    data = bytearray(HEADER + b"\0")
    for record in records:
        kind_first, rest = True, record
        while True:
            left = BLOCK - len(data) % BLOCK
            if left < 7:
                data += bytes(left)
                continue
            piece, rest = rest[: left - 7], rest[left - 7 :]
            kind = (1 if not rest else 2) if kind_first else (4 if not rest else 3)
            data += struct.pack("<IHB", zlib.crc32(piece, zlib.crc32(bytes([kind]))), len(piece), kind) + piece
            kind_first = False
            if not rest:
                break
    return bytes(data)


def field(number: int, content: bytes) -> bytes:
    def varint(value: int) -> bytes:
        low, high = value & 0x7F, value >> 7
        return bytes([low | 0x80]) + varint(high) if high else bytes([low])

    return varint(number << 3 | 2) + varint(len(content)) + content


def history(row: dict[str, object], step: int | None = None) -> bytes:
    items = b"".join(field(1, field(2, name.encode()) + field(16, json.dumps(value).encode())) for name, value in row.items())
    return field(2, items + (field(2, bytes([8, step])) if step else b""))


def read(data: bytes) -> list[Read]:
    decoder = WandbDecoder(PurePath("run-x.wandb"))
    return [*decoder.feed(data), *decoder.flush()]


def rows(reads: list[Read]) -> list[tuple[int, dict[str, float | None]]]:
    events = [event for read in reads for event in (read.events() if isinstance(read, Entries) else [read])]
    return [(event.step, event.values) for event in events if isinstance(event, Metrics)]


def test_a_real_run_tells_its_rows_its_settings_and_its_model() -> None:
    reads = read(RUN.read_bytes())
    found = rows(reads)
    assert [step for step, _ in found] == list(range(1, 21))
    norms = [values["grad_norm"] or 0.0 for _, values in found]
    assert sum(map(math.isnan, norms)) == 5
    assert sum(map(math.isinf, norms)) == 1
    assert any(isinstance(event, RunDescribed) and event.model == "meta-llama/Llama-2-7b-hf" for event in reads)


@given(st.lists(st.binary(max_size=90_000), max_size=5), st.integers(1, 70_000))
def test_records_are_put_together_across_blocks_and_pieces(records: list[bytes], piece: int) -> None:
    data = framed(records)
    reader = Records()
    assert [found for at in range(0, len(data), piece) for found in reader.cut(data[at : at + piece])] == records
    assert reader.pending() == 0


def test_after_damage_reading_goes_on() -> None:
    data = bytearray(framed([b"a" * 100, b"b" * 40_000, b"c" * 100]))
    data[50] ^= 1
    found = list(Records().cut(bytes(data)))
    assert isinstance(found[0], Damaged)
    assert found[1:] == [b"b" * 40_000, b"c" * 100]
    data[7 + 107 : 7 + 114] = b"\xff" * 7
    found = list(Records().cut(bytes(data)))
    assert [type(record) for record in found] == [Damaged, Damaged, bytes]


def test_sparse_rows_are_put_together_by_the_trainers_step() -> None:
    axis = field(12, field(2, b"*") + field(4, b"train/global_step"))
    records = [
        axis,
        history({"profiling/generate": 1.5, "_step": 0}),
        history({"train/loss": 0.5, "train/global_step": 10, "_step": 1}),
        history({"profiling/generate": 1.6, "_step": 2}),
        history({"eval/loss": 0.7, "train/global_step": 10, "_step": 3}),
    ]
    found = rows(read(framed(records)))
    assert [step for step, _ in found] == [0, 10, 10, 10]


def test_the_axis_of_all_metrics_is_the_trainings_whatever_others_have() -> None:
    def metric(name: str, axis: str) -> bytes:
        return field(12, field(2, name.encode()) + field(4, axis.encode()))

    def train(step: int) -> bytes:
        return history({"train/loss": 0.5, "train/global_step": step, "_step": 7 * step})

    story = history({"story/luck": 0.1, "story/step": 10, "train/global_step": 10, "_step": 71})
    rest = [train(10), metric("story/luck", "story/step"), story, train(20), train(30)]
    for declared in ([metric("story/*", "story/step"), metric("*", "train/global_step")], [metric("*", "train/global_step")]):
        assert [step for step, _ in rows(read(framed([*declared, *rest])))] == [10, 10, 20, 30]
    only_of_evaluations = framed([metric("val/*", "epoch"), train(10), history({"val/loss": 1.0, "epoch": 1}), train(20)])
    assert [step for step, values in rows(read(only_of_evaluations)) if values == {"loss": 0.5}] == [10, 20]


def test_rows_without_a_step_are_counted_and_with_one_stand_there() -> None:
    assert [step for step, _ in rows(read(framed([history({"x": 1.0})] * 3)))] == [0, 1, 2]
    assert [step for step, _ in rows(read(framed([history({"x": 1.0}, step=5), history({"x": 1.0}, step=9)])))] == [5, 9]


def test_a_null_is_a_number_that_could_not_be_written() -> None:
    assert rows(read(framed([history({"train/loss": None, "_step": 1})]))) == [(1, {"loss": None})]


@pytest.mark.parametrize(("code", "failed"), [(0, False), (255, True)])
def test_an_exit_code_tells_how_it_ended(code: int, *, failed: bool) -> None:
    record = field(18, bytes([8, code & 0x7F | 0x80, code >> 7]) if code > 127 else bytes([8, code]))
    (ended,) = [event for event in read(framed([history({"x": 1.0, "_step": 4}), record])) if isinstance(event, RunEnded)]
    assert (ended.step, ended.failed) == (4, failed)


def test_a_summary_counts_only_where_nothing_better_lies_beside_it(tmp_path: Path) -> None:
    source = FIXTURES / "summary-of-wandb" / "files" / "wandb-summary.json"
    file = tmp_path / "files" / source.name
    file.parent.mkdir()
    shutil.copy(source, file)
    alone = read_safely(wandb_summary.FORMAT, file, PurePath("files") / source.name)
    assert [step for step, _ in rows(alone)] == [37]
    assert any(isinstance(read, ReadProblem) and "last value" in read.message for read in alone)
    shutil.copy(RUN, tmp_path / RUN.name)
    assert rows(read_safely(wandb_summary.FORMAT, file, PurePath("files") / source.name)) == []


@pytest.mark.skipif(util.find_spec("yaml") is None, reason="PyYAML is not installed")
def test_the_configuration_tells_algorithm_model_and_length() -> None:
    (facts,) = read_safely(wandb_config.FORMAT, FIXTURES / "config-of-wandb" / "files" / "config.yaml", PurePath("config.yaml"))
    assert isinstance(facts, RunDescribed)
    assert (facts.algorithm, facts.model, facts.max_steps) == (Algorithm.GRPO, "Qwen/Qwen2.5-0.5B-Instruct", 200)
    assert facts.config["learning_rate"] == 5e-6
    assert "_wandb" not in facts.config


def test_a_missing_library_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wandb_config, "find_spec", lambda _name: None)
    (problem,) = read_safely(
        wandb_config.FORMAT, FIXTURES / "config-of-wandb" / "files" / "config.yaml", PurePath("config.yaml")
    )
    assert isinstance(problem, ReadProblem)
    assert "pip install pyyaml" in problem.message


def test_a_table_of_generations_is_of_the_step_in_its_name() -> None:
    file = next((FIXTURES / "tables-of-wandb").iterdir())
    (event,) = read_safely(wandb_table.FORMAT, file, PurePath(file.name))
    assert isinstance(event, Completions)
    assert event.step == 19
    assert len(event.rows) == 64
    assert event.rows[0].rewards["reward"] == pytest.approx(0.9346484541893005)
