"""What is wrong with the data before the first step, measured once on a sample of it.

The audit reads the prepared datasets of the trainer from a thread, a few rows at a time with a rest in between. It reads
plain columns alone: no transform of the user's is run, no tokenizer is touched (it is not made for two threads), and data
that is streamed is left alone, because reading it would take it from the training.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from rldk_tui.events import Algorithm, Measured
from rldk_tui.integrations.trl.data_checks import (
    overlap,
    prompt_column,
    prompt_key,
    share_cut,
    share_desirable,
    share_identical,
)
from rldk_tui.integrations.trl.not_measured import tell_unmeasured
from rldk_tui.integrations.trl.part import Part, Training

_EXAMPLES = 1000
_TRAIN_PROMPTS = 50_000
_LABELS = 50_000
_AT_ONCE = 100
_REST = 0.002
"""Seconds between two reads, in which the training has the interpreter to itself."""
_LAST_WAIT = 2.0
"""Seconds that the end of a training shorter than the audit waits for it."""

Row = Mapping[str, Any]


class _GivenUpError(Exception):
    """The training ended first."""


class DataAudit(Part):
    """Measures `hook/data_truncated`, `..._identical_pairs`, `..._desirable` and `hook/eval_overlap`, in the process that logs.

    Without the attached trainer only the training data is at hand, and of it the columns that the model takes.
    """

    task = "audit the training data"

    def __init__(self) -> None:
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, training: Training) -> None:
        """Start reading."""
        if not training.is_main:
            return
        train = getattr(training.trainer, "train_dataset", None)
        if train is None:
            train = getattr(training.dataloader, "dataset", None)
        if not _readable(train):
            if train is not None:
                why = f"{type(train).__name__} is streamed, or no dataset of Hugging Face"
                tell_unmeasured(training, "hook/data_truncated", why)
            return
        first_step = training.state.global_step
        arguments = (training, train, getattr(training.trainer, "eval_dataset", None), first_step)
        self._thread = threading.Thread(target=self._run, args=arguments, name="rldk-data-audit", daemon=True)
        self._thread.start()

    def ended(self, step: int) -> None:  # noqa: ARG002
        """A training of a few steps may be over before its data was read."""
        if self._thread is not None:
            self._thread.join(timeout=_LAST_WAIT)
        self.close()

    def close(self) -> None:
        """Stop reading."""
        self._over.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(timeout=1.0)

    def _run(self, training: Training, train: Any, evaluation: Any, step: int) -> None:
        training.border.attempt(self.task, self._audit, training, train, evaluation, step)

    def _audit(self, training: Training, train: Any, evaluation: Any, step: int) -> None:
        values: dict[str, float | None] = {}
        named: dict[str, tuple[str, ...]] = {}
        try:
            for name, found in self._measured(training, train, evaluation):
                if found is not None:
                    values[name], rows = found
                    if rows:
                        named[name] = rows
        except _GivenUpError:
            pass
        if values:
            training.recorder.write(Measured(time=time.time(), step=step, values=values, named=named))

    def _measured(
        self, training: Training, train: Any, evaluation: Any
    ) -> Iterator[tuple[str, tuple[float, tuple[str, ...]] | None]]:
        args, algorithm = training.args, training.algorithm
        columns = [name for name in train.column_names if name.endswith("_ids")]
        if columns:
            examples = list(self._rows(train, columns, _EXAMPLES))
            yield "hook/data_truncated", share_cut(examples, algorithm, args)
            yield "hook/data_identical_pairs", share_identical(examples, algorithm, args)
        if algorithm is Algorithm.KTO and "label" in train.column_names:
            yield "hook/data_desirable", share_desirable(self._rows(train, ["label"], _LABELS))
        yield "hook/eval_overlap", self._overlap(train, evaluation)

    def _overlap(self, train: Any, evaluation: Any) -> tuple[float, tuple[str, ...]] | None:
        sets = list(evaluation.values()) if isinstance(evaluation, dict) else [evaluation]
        if not all(_readable(one) for one in sets):
            return None
        column = prompt_column([train.column_names, *[one.column_names for one in sets]])
        if column is None:
            return None
        taught = {prompt_key(row[column]) for _, row in self._rows(train, [column], _TRAIN_PROMPTS)}
        asked = [(index, prompt_key(row[column])) for one in sets for index, row in self._rows(one, [column], _EXAMPLES)]
        return overlap(taught, asked)

    def _rows(self, dataset: Any, columns: list[str], most: int) -> Iterator[tuple[int, Row]]:
        """Rows at even distances, with their numbers."""
        chosen = range(0, len(dataset), max(1, -(-len(dataset) // most)))
        bare = dataset.with_format(None).select_columns(columns)
        for start in range(0, len(chosen), _AT_ONCE):
            if self._over.is_set():
                raise _GivenUpError
            indices = chosen[start : start + _AT_ONCE]
            batch = bare[list(indices)]
            for place, index in enumerate(indices):
                yield index, {name: batch[name][place] for name in columns}
            time.sleep(_REST)


def _readable(dataset: Any) -> bool:
    """Whether it is a dataset on disk or in memory that reading does not change."""
    import datasets

    return isinstance(dataset, datasets.Dataset)
