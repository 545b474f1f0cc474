"""Event files as TensorBoard's own writer makes them, cut anywhere."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path, PurePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rldk_tui.events import Algorithm, Metrics, Phase, ReadProblem, RunDescribed, RunStarted
from rldk_tui.readers.tfevents import FORMAT, TfeventsDecoder, masked_crc
from tests.conftest import SAMPLE_RUNS

STOCK = next((SAMPLE_RUNS / "grpo-stock").glob("runs/*/events.out.tfevents.*"))
LOG = STOCK.read_bytes()


def values_of(chunks: list[bytes], path: Path = STOCK) -> dict[tuple[int, Phase, str], float | None]:
    decoder = TfeventsDecoder(PurePath(path.name))
    cells: dict[tuple[int, Phase, str], float | None] = {}
    for chunk in chunks:
        for read in decoder.feed(chunk):
            if isinstance(read, Metrics):
                cells.update({(read.step, read.phase, key): value for key, value in read.values.items()})
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
    assert sum(isinstance(read, Metrics) for read in reads) > 0


@given(st.binary(max_size=300))
def test_garbage_in_a_well_framed_record_is_said_and_never_raised(payload: bytes) -> None:
    header = len(payload).to_bytes(8, "little")
    frame = header + masked_crc(header).to_bytes(4, "little") + payload + b"\0\0\0\0"
    for read in TfeventsDecoder(PurePath("x.tfevents.1.h")).feed(frame):
        assert isinstance(read, ReadProblem | Metrics | RunStarted | RunDescribed)


def test_the_checksum_is_tfrecords() -> None:
    # The length of the first record every TensorBoard writer makes ("brain.Event:2"), from a real file.
    assert masked_crc(LOG[:8]) == int.from_bytes(LOG[8:12], "little")


def test_a_file_is_claimed_wherever_tfevents_stands_in_its_name() -> None:
    assert FORMAT.claims(PurePath("a/events.out.tfevents.1.host_rank_0"), LOG[:64])
    assert not FORMAT.claims(PurePath("a/events.out.tfevents.1.host"), b"\0" * 64)
    assert not FORMAT.claims(PurePath("a/events.out.tfevents.1.host"), b"")
