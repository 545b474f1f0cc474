"""Looks at checkpoints: measures every tensor, compares with what is kept of earlier ones, judges."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rldk_tui.checkpoints import figures as figures_
from rldk_tui.checkpoints.adam import adam_figures
from rldk_tui.checkpoints.analysis import CheckpointAnalysis
from rldk_tui.checkpoints.comparison import Comparison, compare_files, comparison, matched, tensor_change
from rldk_tui.checkpoints.drift import drift
from rldk_tui.checkpoints.executor import Executor, LocalThreads, Names, Opened, named_tensors
from rldk_tui.checkpoints.figures import Figure
from rldk_tui.checkpoints.file_problem import FileProblem
from rldk_tui.checkpoints.issues import Evidence, issues_of, score_of_issues
from rldk_tui.checkpoints.layout import CheckpointFiles, changed_since, open_checkpoint
from rldk_tui.checkpoints.reference import Memory, RecentReferences, Reference, References
from rldk_tui.checkpoints.roles import Role, place_of
from rldk_tui.checkpoints.summaries import by_layer, by_role, summary
from rldk_tui.checkpoints.survey import Task, TensorStatistics, survey
from rldk_tui.checkpoints.tensor_reader import TensorReader
from rldk_tui.checkpoints.tensors import StoredTensor
from rldk_tui.checkpoints.trace import samples_a_tensor
from rldk_tui.checkpoints.training_state import read_training_state

_AFTER_ALL = 1 << 62
"""A step that no checkpoint has."""
Progress = Callable[[int, int], None]
"""Told after every piece: bytes done, bytes in all."""


class CheckpointAnalyzer:
    """Analyses the checkpoints of one run, one after the other, and compares any two.

    Each checkpoint is compared with the one before it and with the run's first, from what is kept of them: in this object,
    or with `log_dir` in the run's directory, where it outlives the process and the checkpoints themselves.

    Args:
        log_dir: The run directory; None to keep nothing on disk.
        spectral: Whether to measure largest singular values and power laws of spectra, which takes many passes.
        executor: Where the work is done; by default on this machine's threads.
        progress: Told how much is done.
        keep: Whether later checkpoints are to be compared with what is analysed now; else nothing is written to `log_dir`.
    """

    def __init__(
        self,
        log_dir: str | Path | None = None,
        *,
        keep: bool = True,
        spectral: bool = False,
        executor: Executor | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._memory: Memory = RecentReferences() if log_dir is None else References.of_run(Path(log_dir))
        self._keep = keep
        self._spectral = spectral
        self._executor = executor or LocalThreads()
        self._progress: Progress = progress or (lambda _done, _all: None)

    def analyze_checkpoint(self, path: str | Path, step: int | None = None) -> CheckpointAnalysis:
        """Measure and judge one checkpoint, and keep what later ones are compared with.

        Args:
            path: A checkpoint's folder, a model's folder, or a file of weights.
            step: Its step, where neither its name nor its state tells it.

        Raises:
            UserError: if there is nothing there that could be a checkpoint.
            OSError: if what is to be kept cannot be written to `log_dir`.
        """
        files = open_checkpoint(Path(path))
        step = files.step if step is None else step
        tensors = self._measure(files)
        first = previous = None
        if step is not None:
            first, previous = self._memory.first(step), self._memory.previous(step)
        analysis = _judged(files, step, tensors, first, previous)
        if self._keep and analysis.reference is not None:
            self._memory.keep(analysis.reference)
        return analysis

    def analyze_final(self, run: str | Path) -> CheckpointAnalysis:
        """Measure and judge the model in a run's directory itself, against the newest and the first of its checkpoints.

        It is often the newest checkpoint once more, so that no change is no fault of it. Nothing is kept of it.

        Raises:
            UserError: if there is none.
        """
        files = replace(open_checkpoint(Path(run)), step=None)
        first, previous = self._memory.first(_AFTER_ALL), self._memory.previous(_AFTER_ALL)
        return _judged(files, None, self._measure(files), first, previous)

    def compare(self, a: str | Path, b: str | Path) -> Comparison:
        """What changed from checkpoint `a` to checkpoint `b`, number by number.

        Raises:
            UserError: if one of them is no checkpoint.
        """
        before, after = open_checkpoint(Path(a)), open_checkpoint(Path(b))
        sizes = {tensor.name: tensor.size for tensor in matched(before, after)}
        total, done = sum(sizes.values()), 0
        changes = []
        for some in compare_files(before, after, self._executor):
            changes += some
            done += sum(sizes[one.name] for one in some)
            self._progress(done, total)
        return comparison(before, after, changes)

    def _measure(self, files: CheckpointFiles) -> tuple[TensorStatistics, ...]:
        """Every tensor, in the order of the files."""
        task = Task(spectral=self._spectral, samples=samples_a_tensor(len(files.tensors)))
        sizes = {tensor.name: tensor.size for tensor in files.tensors}
        total, done = sum(sizes.values()), 0
        found: dict[str, TensorStatistics] = {}
        for some in self._executor.each(partial(survey_named, task=task), (files,), files.tensors):
            found.update((one.name, one) for one in some)
            done += sum(sizes[one.name] for one in some)
            self._progress(done, total)
        return tuple(found[tensor.name] for tensor in files.tensors if tensor.name in found)


def survey_named(opened: Opened, names: Names, task: Task) -> list[TensorStatistics]:
    """Measure the tensors of these names: a piece of work for an executor."""
    return survey(named_tensors(opened[0], names), task)


def _judged(
    files: CheckpointFiles,
    step: int | None,
    tensors: tuple[TensorStatistics, ...],
    first: Reference | None,
    previous: Reference | None,
) -> CheckpointAnalysis:
    training = read_training_state(files)
    figures: dict[str, Figure] = {
        **figures_.of_numbers(tensors),
        **_tied(files),
        **(adam_figures(training.optimizer) if training.optimizer else {}),
    }
    since_previous = since_first = None
    if first is not None:
        since_first = figures_.compared(tensors, step, first)
        figures.update(figures_.since_beginning(tensors, first, since_first, gain_offset=_gain_offset(files.config)))
    if previous is not None:
        since_previous = figures_.compared(tensors, step, previous)
        if step is not None:
            figures.update(figures_.of_change(since_previous, since_first))
    changed = changed_since(files.tensors)
    unreadable = _unreadable(tensors, {problem.source for problem in changed})
    problems = (*files.problems, *training.problems, *changed, *unreadable)
    evidence = Evidence(
        files=files, problems=problems, step=step, tensors=tensors, figures=figures, base=first, training=training
    )
    issues = issues_of(evidence)
    return CheckpointAnalysis(
        path=files.path,
        step=step,
        kind=files.kind,
        complete=files.complete,
        size=files.size,
        tensors=tensors,
        total=summary("all", tensors),
        layers=by_layer(tensors),
        roles=by_role(tensors),
        figures=figures,
        issues=issues,
        score=score_of_issues(issues, evidence),
        training=training,
        problems=problems,
        since_previous=None if since_previous is None else drift(since_previous),
        since_first=None if since_first is None else drift(since_first),
        changes={} if since_previous is None else {name: moved.relative for name, moved in since_previous.movements.items()},
        reference=_reference(files, step, tensors),
    )


def _reference(files: CheckpointFiles, step: int | None, tensors: tuple[TensorStatistics, ...]) -> Reference | None:
    saved = max((tensor.stretch.identity.changed_ns for tensor in files.tensors), default=0) / 1e9
    traces = {one.name: one.trace for one in tensors if one.trace is not None}
    return Reference(step, traces, saved) if step is not None and traces else None


def _unreadable(tensors: tuple[TensorStatistics, ...], told: set[str]) -> Iterator[FileProblem]:
    """Tensors that could be found and not be read, one problem a file of which nothing was told yet."""
    for one in tensors:
        if one.problem is not None and one.source not in told:
            told.add(one.source)
            yield FileProblem("unreadable-tensor", one.source, one.problem, tensor=one.name)


def _gain_offset(config: Mapping[str, Any] | None) -> float:
    """What the model adds to a stored gain: Gemma's norms multiply with 1 + γ."""
    return 1.0 if str((config or {}).get("model_type", "")).startswith("gemma") else 0.0


_INPUT = re.compile(r"(^|\.)(embed_tokens|wte|embed_in|word_embeddings)\.weight$")


def _tied(files: CheckpointFiles) -> dict[str, Figure]:
    """How far input and output embeddings lie apart, where the config says that they are one and both were saved."""
    config = files.config or {}
    inner = config.get("text_config")
    told = config.get("tie_word_embeddings", inner.get("tie_word_embeddings") if isinstance(inner, dict) else None)
    if told is not True:
        return {}
    first = _only(files, lambda tensor: _INPUT.search(tensor.name) is not None)
    last = _only(files, lambda tensor: place_of(tensor.name).role is Role.HEAD and len(tensor.shape) == 2)
    if (first is None) != (last is None) and files.complete:
        return {"checkpoint/tied_mismatch": Figure(0.0)}  # one tensor was saved for the two
    if first is None or last is None or first.shape != last.shape:
        return {}
    with TensorReader() as reader:
        change = tensor_change(first, last, reader).change
    return {} if change is None else {"checkpoint/tied_mismatch": Figure(change.relative, (last.name, first.name))}


def _only(files: CheckpointFiles, wanted: Callable[[StoredTensor], bool]) -> StoredTensor | None:
    """The one tensor of this sort; None if there is none or more than one."""
    found = [tensor for tensor in files.tensors if tensor.dtype.floating and wanted(tensor)]
    return found[0] if len(found) == 1 else None
