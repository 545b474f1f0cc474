"""Every file of the collection of real logs: which reader claims it, and how many points it reads against the index.

Points are an event file's steps, the generations of a table of them, else rows with a metric in them.

`python -m benchmarks.corpus` prints the table as Markdown. The collection lies beside the project (`../shared/corpus`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from rldk_tui.events import Completions, Metrics, ReadProblem, RunDescribed
from rldk_tui.events.entries import Entries
from rldk_tui.ingest import why_declined
from rldk_tui.readers import HEAD, Read, StreamFormat, decode_safely, flush_safely, format_of, read_safely
from rldk_tui.readers._rows import Rows

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"

EXPLAINED: dict[str, str] = {
    "tfevents": "the index counts step 0, which holds the run's texts and no number",
    "train_8_episodes.log": "the index counts 11 error messages that quote a dict with a step and a reward",
    "run-20260425_165154-zvm256dp/files/output.log": "the index counts 2 error messages that quote a dict",
    "run-20260425_174928-7yj6c945/files/output.log": "the index counts 11 error messages that quote a dict",
    "actor_opt-1.3b_critic_opt-350m_globalBatchSize64.log": "a step's losses, its time and its reward are three lines; both "
    "optimizers' rates are read too",
    "opt-1.3b-globalBatchSize128.log": "the timer's lines and the perplexities are read beside the learning rates",
    "wandb-history.jsonl": "two rows hold a video and no number",
    "stream_mixed_types.jsonl": "five rows say null",
    "rho_grpo_logs.json": "the rows of one step's micro-batches are one row, their mean",
    "aser_step_stats.json": "the rows of one step's micro-batches are one row, their mean",
    "test_ppo_run_metrics.json": "five rows that all claim step 0 are one row, their mean",
    "csd_logs.json": "two rows claim one step and are one row, their mean",
    ".wandb": "the trainer's closing summary is read too, which W&B keeps apart from the rows",
    "case14.csv": "the index counts three lines that a merge conflict left (<<<<<<<)",
    "case14_cnn.csv": "the index counts three lines that a merge conflict left (<<<<<<<)",
    "case16.csv": "the index counts three lines that a merge conflict left (<<<<<<<)",
}
"""Why a file gives another number of points than the index tells, by a part of its path."""


@dataclass(frozen=True, slots=True)
class Line:
    """One file.

    Attributes:
        reader: Its name; None where nobody claims the file.
        points: Rows of metrics that were read, or generations.
        expected: Points of the index; None where it counts none.
        said: What the reader or, without one, the discovery says of it.
    """

    path: str
    reader: str | None
    points: int
    expected: int | None
    said: str

    @property
    def explained(self) -> str | None:
        """Why the numbers differ; None where nobody knows."""
        if self.expected is None and self.points:
            return "the index counts no points of such files"
        if self.expected in (None, self.points) or (self.reader is None and not self.expected):
            return ""
        if self.reader is None:
            return self.said
        if self.reader == "TensorBoard events":
            return EXPLAINED["tfevents"] if self.expected == self.points + 1 else None
        return next((why for part, why in EXPLAINED.items() if part in self.path), None)


def table() -> Iterator[Line]:
    """Every file of the index, in its order."""
    with (CORPUS / "INDEX.csv").open(newline="") as index:
        for row in csv.DictReader(index):
            path = f"{row['repo'].replace('/', '+')}/{row['path']}"
            yield _line(path, int(row["log_points"]) if row["log_points"] else None)


def _line(path: str, expected: int | None) -> Line:
    file = CORPUS / "files" / path
    with file.open("rb") as opened:
        head = opened.read(HEAD)
    place = PurePath(file.name)
    form = format_of(place, head)
    if form is None:
        return Line(path, None, 0, expected, why_declined(place, head))
    with _counted_rows() as counted:
        if isinstance(form, StreamFormat):
            decoder = form.decoder(place)
            reads = [*decode_safely(decoder, file.read_bytes(), place), *flush_safely(decoder, place)]
        else:
            reads = read_safely(form, file, place)
    said = "; ".join(read.message for read in reads if isinstance(read, ReadProblem))
    facts = "" if said or any(isinstance(read, Metrics | Entries | Completions) for read in reads) else _facts(form.name, reads)
    return Line(path, form.name, _points(form.name, reads, counted[0]), expected, said or facts)


def _points(reader: str, reads: list[Read], counted: int) -> int:
    """Rows as the index counts them: an event file's steps, everybody else's rows, generations for tables of them."""
    rows = [event for read in reads for event in (read.events() if isinstance(read, Entries) else [read])]
    metrics = [row for row in rows if isinstance(row, Metrics)]
    if reader == "TensorBoard events":
        return len({row.step for row in metrics})
    if counted:  # rows that were taken one by one, and those that came as columns
        return counted + len({int(step) for read in reads if isinstance(read, Entries) for step in read.steps})
    if not metrics:
        return sum(len(row.rows) for row in rows if isinstance(row, Completions))
    return len(metrics)


@contextmanager
def _counted_rows() -> Iterator[list[int]]:
    """Counts the rows with a metric in them: one may tell of training and of an evaluation, which are two events."""
    take, counted = Rows.take, [0]

    def counting(self: Rows, *args: Any, **named: Any) -> Iterator[Read]:
        reads = list(take(self, *args, **named))
        counted[0] += any(isinstance(read, Metrics) for read in reads)
        yield from reads

    Rows.take = counting  # type: ignore[method-assign]
    try:
        yield counted
    finally:
        Rows.take = take  # type: ignore[method-assign]


def _facts(form: str, reads: list[Read]) -> str:
    told = [read for read in reads if isinstance(read, RunDescribed)]
    if form == "W&B summary":
        return "the run file or history beside it tells the same and more"
    model = next((read.model for read in told if read.model), None)
    return (
        f"settings, model {model}" if model else "settings" if any(read.config for read in told) else "nothing is logged in it"
    )


def main() -> None:
    lines = list(table())
    print("| file | reader | points | index | explanation |\n|---|---|---|---|---|")
    for line in lines:
        why = line.explained if line.explained is not None else "UNEXPLAINED"
        note = "; ".join(part for part in (why, line.said if line.said != why else "") if part)
        expected = "–" if line.expected is None else line.expected
        print(f"| {line.path} | {line.reader or 'declined'} | {line.points} | {expected} | {note[:220]} |")
    same = sum(line.expected == line.points for line in lines)
    print(f"\n{len(lines)} files, {sum(line.reader is not None for line in lines)} claimed, {same} with the index's number.")


if __name__ == "__main__":
    main()
