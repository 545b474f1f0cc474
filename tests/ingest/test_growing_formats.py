"""Every format is followed as it grows, shrinks, is rotated and replaced, with the history of the finished file at the end."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rldk_tui.ingest import Follower
from rldk_tui.run import RunSnapshot, RunStore
from tests.conftest import SAMPLE_RUNS
from tests.growth import grow

FIXTURES = Path(__file__).parents[1] / "readers" / "fixtures"
RUNS = [
    *(
        FIXTURES / name
        for name in ("trainer-log-of-llama-factory", "monitor-of-sb3", "console-of-trl", "console-of-deepspeed-chat")
    ),
    *(FIXTURES / name for name in ("offline-run-of-wandb", "settings-of-ms-swift", "rollouts-of-trlx")),
    SAMPLE_RUNS / "grpo-stock",
]
LOGS = [next(file for file in run.rglob("*") if file.suffix in (".jsonl", ".csv", ".log", ".wandb")) for run in RUNS[:-1]]


class Followed:
    """A run as a session follows it."""

    def __init__(self, run: Path) -> None:
        self._follower = Follower(run)
        self._store = RunStore("run")
        self.restarts = 0

    def look(self) -> RunSnapshot:
        batch = self._follower.poll()
        if batch.restarted:
            self.restarts += 1
            self._store = RunStore("run")
        for source in batch.rewritten:
            self._store.rewrite(source)
        for event, origin in batch.events:
            self._store.add(event, origin)
        return self._store.snapshot(0.0, (), self._store.pulse(process_alive=None))


def history(snapshot: RunSnapshot) -> list[tuple[str, dict[str, str]]]:
    return [
        (
            segment.key,
            {
                f"{step} {name}": repr(column.values[at])
                for name in segment.rows.columns
                for column in [segment.rows.column(name)]
                for at, step in enumerate(segment.rows.steps.tolist())
                if column.present[at]
            },
        )
        for segment in snapshot.segments
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_a_run_that_grows_in_pieces_ends_as_the_finished_one(tmp_path: Path, run: Path, seed: int) -> None:
    followed = Followed(tmp_path / "run")
    for _ in grow(run, tmp_path / "run", looks=12, seed=seed):
        followed.look()
    assert history(followed.look()) == history(Followed(run).look())
    assert followed.restarts == 0


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_a_log_that_is_cut_and_written_anew_is_read_from_its_beginning(tmp_path: Path, log: Path) -> None:
    whole = log.read_bytes()
    copy = tmp_path / log.name
    followed = Followed(tmp_path)
    copy.write_bytes(whole)
    followed.look()
    copy.write_bytes(whole[: len(whole) // 3])
    followed.look()
    copy.write_bytes(whole)
    assert history(followed.look()) == history(Followed(tmp_path).look())
    assert followed.restarts == 1


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_a_log_that_another_takes_the_place_of_is_read_from_its_beginning(tmp_path: Path, log: Path) -> None:
    whole = log.read_bytes()
    copy = tmp_path / log.name
    followed = Followed(tmp_path)
    copy.write_bytes(whole[: len(whole) // 2])
    followed.look()
    other = tmp_path.parent / f"{tmp_path.name}-{log.name}"
    other.write_bytes(b"\xef\xbb\xbf" + whole if log.suffix != ".wandb" else whole)
    shutil.move(other, copy)
    assert history(followed.look()) == history(Followed(tmp_path).look())
