"""Event files as TensorBoard's own writer makes them, cut anywhere."""

from __future__ import annotations

import math
import struct
from itertools import pairwise
from pathlib import Path, PurePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rldk_tui.events import Algorithm, Metrics, Phase, ReadProblem, RunDescribed, RunStarted
from rldk_tui.events.entries import Entries
from rldk_tui.readers import tfevents
from rldk_tui.readers._tfevents_scalars import masked_crc
from rldk_tui.readers.tfevents import FORMAT, TfeventsDecoder
from tests.conftest import SAMPLE_RUNS

STOCK = next((SAMPLE_RUNS / "grpo-stock").glob("runs/*/events.out.tfevents.*"))
LOG = STOCK.read_bytes()


def values_of(chunks: list[bytes], path: Path = STOCK) -> dict[tuple[int, Phase, str], float | None]:
    decoder = TfeventsDecoder(PurePath(path.name))
    cells: dict[tuple[int, Phase, str], float | None] = {}
    for chunk in chunks:
        for read in decoder.feed(chunk):
            for row in read.events() if isinstance(read, Entries) else [read]:
                if isinstance(row, Metrics):
                    cells.update({(row.step, row.phase, key): value for key, value in row.values.items()})
    return cells


WHOLE = values_of([LOG])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, len(LOG)), max_size=10))
def test_any_chopping_of_the_bytes_gives_the_same_values(cuts: list[int]) -> None:
    assert values_of([LOG[low:high] for low, high in pairwise([0, *sorted(cuts), len(LOG)])]) == WHOLE


def test_every_value_is_the_one_tensorboards_own_loader_reads() -> None:
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    accumulator = loader.EventAccumulator(str(STOCK), size_guidance={"scalars": 0})
    accumulator.Reload()
    expected = {
        (event.step, tag.split("/", 1)[1]): event.value
        for tag in accumulator.Tags()["scalars"]
        for event in accumulator.Scalars(tag)
    }
    assert {(step, key): value for (step, _, key), value in WHOLE.items()} == expected


def test_the_runs_arguments_tell_its_algorithm_and_length() -> None:
    reads = list(TfeventsDecoder(PurePath(STOCK.name)).feed(LOG))
    started = reads[0]
    assert isinstance(started, RunStarted)
    assert started.pid is not None
    described = [read for read in reads if isinstance(read, RunDescribed)]
    assert any(read.algorithm is Algorithm.GRPO and read.max_steps for read in described)


def test_step_zero_and_non_finite_values_survive(tmp_path: Path) -> None:
    writer_module = pytest.importorskip("tensorboard.summary.writer.event_file_writer")
    event_pb2 = pytest.importorskip("tensorboard.compat.proto.event_pb2")
    summary_pb2 = pytest.importorskip("tensorboard.compat.proto.summary_pb2")
    writer = writer_module.EventFileWriter(str(tmp_path))
    for step, value in enumerate([0.5, math.nan, math.inf, -math.inf]):
        summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="train/loss", simple_value=value)])
        writer.add_event(event_pb2.Event(wall_time=100.0 + step, step=step, summary=summary))
    writer.close()
    (file,) = tmp_path.iterdir()
    cells = values_of([file.read_bytes()], file)
    logged = [cells[step, Phase.TRAIN, "loss"] for step in range(4)]
    assert logged[0] == 0.5
    assert math.isnan(logged[1] or 0.0)
    assert logged[2:] == [math.inf, -math.inf]


def test_a_torn_end_waits_for_the_rest() -> None:
    decoder = TfeventsDecoder(PurePath(STOCK.name))
    list(decoder.feed(LOG[:-5]))
    assert decoder.pending() > 0
    list(decoder.feed(LOG[-5:]))
    assert decoder.pending() == 0


def test_a_corrupt_length_stops_the_file_and_says_so() -> None:
    decoder = TfeventsDecoder(PurePath(STOCK.name))
    reads = list(decoder.feed(LOG + b"\xff" * 64))
    assert isinstance(reads[-1], ReadProblem)
    assert list(decoder.feed(LOG)) == []
    assert sum(isinstance(read, Entries | Metrics) for read in reads) > 0


@given(st.binary(max_size=300))
def test_garbage_in_a_well_framed_record_is_said_and_never_raised(payload: bytes) -> None:
    header = len(payload).to_bytes(8, "little")
    frame = header + masked_crc(header).to_bytes(4, "little") + payload + masked_crc(payload).to_bytes(4, "little")
    for read in TfeventsDecoder(PurePath("x.tfevents.1.h")).feed(frame):
        assert isinstance(read, ReadProblem | Metrics | RunStarted | RunDescribed)


def test_the_checksum_is_tfrecords() -> None:
    # The length of the first record every TensorBoard writer makes ("brain.Event:2"), from a real file.
    assert masked_crc(LOG[:8]) == int.from_bytes(LOG[8:12], "little")


def test_a_file_is_claimed_wherever_tfevents_stands_in_its_name() -> None:
    assert FORMAT.claims(PurePath("a/events.out.tfevents.1.host_rank_0"), LOG[:64])
    assert not FORMAT.claims(PurePath("a/events.out.tfevents.1.host"), b"\0" * 64)
    assert not FORMAT.claims(PurePath("a/events.out.tfevents.1.host"), b"")


def frame(payload: bytes) -> bytes:
    header = len(payload).to_bytes(8, "little")
    return header + masked_crc(header).to_bytes(4, "little") + payload + masked_crc(payload).to_bytes(4, "little")


def varint(number: int) -> bytes:
    low, number = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(number) if number else bytes([low])


def field(number: int, kind: int, data: bytes) -> bytes:
    return varint(number << 3 | kind) + (varint(len(data)) if kind == 2 else b"") + data


def record(tag: str, step: int, value: float, *, tensor: int | None = None) -> bytes:
    """An Event with one scalar, as a number or as a tensor that holds it in this field."""
    number = field(2, 5, struct.pack("<f", value))
    if tensor is not None:
        number = field(8, 2, field(1, 0, b"\x01") + field(2, 2, b"") + field(tensor, 2, struct.pack("<f", value)))
    step_field = field(2, 0, varint(step)) if step else b""
    value_field = field(1, 2, tag.encode()) + number
    return field(1, 1, struct.pack("<d", 5.0 + step)) + step_field + field(5, 2, field(1, 2, value_field))


TAGS = st.sampled_from(["train/loss", "eval/loss", "train/kl", "reward", "train/train_loss"])
FLOATS = st.floats(width=32) | st.sampled_from([math.nan, math.inf])
SCALARS = st.builds(record, TAGS, st.integers(0, 300), FLOATS, tensor=st.sampled_from([None, 4, 5]))
RECORDS = st.lists(SCALARS | st.binary(max_size=40), min_size=1, max_size=40)


@given(st.lists(st.tuples(TAGS, FLOATS), min_size=1, max_size=5), st.integers(0, 2**40), RECORDS)
def test_records_read_together_say_what_each_says_alone(row: list[tuple[str, float]], first: int, others: list[bytes]) -> None:
    rows = [record(tag, first + step, value) for step in range(9) for tag, value in row]
    log = b"".join(frame(payload) for payload in [record("train/first", 0, 0.0), *rows, *others, *rows])
    alone = values_of([log[at : at + 1] for at in range(len(log))])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tfevents, "_MANY_RECORDS", 2)
        together = values_of([log])
    assert same(together, alone)


def same(one: dict[tuple[int, Phase, str], float | None], other: dict[tuple[int, Phase, str], float | None]) -> bool:
    return one.keys() == other.keys() and all(
        value == other[key] or (math.isnan(value or 0.0) and math.isnan(other[key] or 0.0)) for key, value in one.items()
    )


@pytest.mark.parametrize("records", [3, 400])
def test_a_record_whose_bytes_were_damaged_is_left_out_and_said(records: int) -> None:
    frames = [frame(record("train/loss", step, 1.0)) for step in range(records)]
    frames[2] = frames[2][:-10] + bytes([frames[2][-10] ^ 1]) + frames[2][-9:]
    decoder = TfeventsDecoder(PurePath("x.tfevents.1.h"))
    reads = [read for chunk in (b"".join(frames[:1]), b"".join(frames[1:])) for read in decoder.feed(chunk)]
    assert [read.message for read in reads if isinstance(read, ReadProblem)] == [
        "a record's checksum is wrong; the record was left out"
    ]
    steps = [
        row.step
        for read in reads
        for row in (read.events() if isinstance(read, Entries) else [read])
        if isinstance(row, Metrics)
    ]
    assert sorted(steps) == [step for step in range(records) if step != 2]


def test_hyperparameters_are_settings_however_they_were_written(tmp_path: Path) -> None:
    writer = pytest.importorskip("torch.utils.tensorboard").SummaryWriter(str(tmp_path))
    table = "|param|value|\n|-|-|\n|learning_rate|0.0003|\n|total_timesteps|500000|\n|cuda|True|\n|env_id|CartPole-v1|"
    writer.add_text("hyperparameters", table)
    writer.add_text("sample", "|a|b|\n|-|-|\n|c|1|")
    writer.add_hparams({"lr": 0.1, "batch": 8, "optimizer": "adam", "amp": False}, {"hparam/loss": 0.5}, run_name=".")
    writer.close()
    facts = {}
    for file in tmp_path.glob("*tfevents*"):
        for event in TfeventsDecoder(PurePath(file.name)).feed(file.read_bytes()):
            facts.update(event.config if isinstance(event, RunDescribed) else {})
    by_table = {"learning_rate": 0.0003, "total_timesteps": 500000, "cuda": True, "env_id": "CartPole-v1"}
    assert facts == by_table | {"lr": 0.1, "batch": 8, "optimizer": "adam", "amp": False}


@given(st.integers(1, 12), st.integers(0, 3), st.integers(0, 60_000), st.sampled_from([b"", b"\x00", b"\xff"]))
@settings(max_examples=25)
def test_a_training_whose_records_repeat_their_lengths_is_read_exactly(tags: int, every: int, at: int, damage: bytes) -> None:
    """A step has records as long as the one before, until it has more digits, an evaluation comes, a byte is another."""
    records = []
    for step in range(1, 300):
        records += [record(f"train/metric_{'x' * tag}", step, step / (tag + 1)) for tag in range(tags)]
        records += [record("eval/loss", step, 1.0)] if every and step % (9 * every) == 0 else []
    log = b"".join(map(frame, records))
    log = log[:at] + damage + log[at + len(damage) :]
    pieces = [log[begin : begin + 2000] for begin in range(0, len(log), 2000)]
    assert same(values_of([log]), values_of(pieces))
