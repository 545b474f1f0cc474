"""Where the tensors of a checkpoint are measured: on this machine's threads, or on the machines of a Ray cluster.

Tensors do not depend on each other, so any spreading gives the same numbers. A piece of work is a function of opened
checkpoints and of the names of some of their tensors. Threads share what is opened here; a cluster's machine opens the
checkpoints by their paths, which must be the same there (a shared file system).
"""

from __future__ import annotations

import os
import socket
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from rldk_tui.checkpoints.layout import CheckpointFiles, open_checkpoint
from rldk_tui.checkpoints.tensors import StoredTensor
from rldk_tui.errors import UserError

Answer = TypeVar("Answer")
Names = tuple[str, ...]
Opened = tuple[CheckpointFiles, ...]
Work = Callable[[Opened, Names], Answer]


class Executor(Protocol):
    """Spreads work over tensors."""

    def each(self, work: Work[Answer], opened: Opened, tensors: Sequence[StoredTensor]) -> Iterator[Answer]:
        """The answers for all of these tensors, in some order, as they come; each is for one or more of them."""
        ...


_PIECE = 16 * 1024 * 1024
"""Bytes of a piece of work: a large tensor, or many small ones, which would cost more to hand over than to measure."""


def _pieces(tensors: Iterable[StoredTensor]) -> Iterator[Names]:
    names: list[str] = []
    size = 0
    for tensor in tensors:
        names.append(tensor.name)
        size += tensor.size
        if size >= _PIECE:
            yield tuple(names)
            names, size = [], 0
    if names:
        yield tuple(names)


class LocalThreads:
    """This machine: some tensors a thread. NumPy and the compiled kernels let go of the interpreter while they compute."""

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def each(self, work: Work[Answer], opened: Opened, tensors: Sequence[StoredTensor]) -> Iterator[Answer]:
        """One answer a piece, in the order of the tensors."""
        pieces = list(_pieces(tensors))
        if self._threads == 1 or len(pieces) < 2:
            yield from (work(opened, names) for names in pieces)
            return
        with ThreadPoolExecutor(self._threads, thread_name_prefix="rldk-checkpoint") as pool:
            try:
                yield from pool.map(lambda names: work(opened, names), pieces)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


class RayCluster:
    """An existing Ray cluster: one task a shard.

    Raises:
        UserError: if Ray is not installed, or no cluster answers at the address.
    """

    def __init__(self, address: str | None = None) -> None:
        try:
            import ray
        except ImportError:
            raise UserError("Ray is not installed here.", 'pip install "rldk-tui[ray]"') from None
        self._ray: Any = ray
        if not ray.is_initialized():
            _knock(address or os.environ.get("RAY_ADDRESS", ""))
            try:
                ray.init(address=address or "auto", log_to_driver=False, logging_level="ERROR")
            except (ConnectionError, ValueError, RuntimeError) as failure:
                reason = str(failure).strip().splitlines()[0]
                raise UserError(f"The Ray cluster cannot be used: {reason}", _WHERE) from None

    def each(self, work: Work[Answer], opened: Opened, tensors: Sequence[StoredTensor]) -> Iterator[Answer]:
        """One answer a shard, the quickest first.

        Raises:
            UserError: if a task could not be done on the cluster.
        """
        shards: dict[str, list[str]] = defaultdict(list)
        for tensor in tensors:
            shards[tensor.source].append(tensor.name)
        paths = tuple(str(files.path.resolve()) for files in opened)
        task = self._ray.remote(_at_a_distance)
        pending = [task.remote(work, paths, tuple(names)) for names in shards.values()]
        try:
            while pending:
                done, pending = self._ray.wait(pending)
                yield from self._ray.get(done)
        except self._ray.exceptions.RayError as failure:
            reason = str(failure).strip().splitlines()[-1]
            raise UserError(
                f"The cluster could not do it: {reason}", "Is the checkpoint at the same path on all its machines?"
            ) from None
        finally:
            for left in pending:
                self._ray.cancel(left)


_WHERE = "ray status, on a machine of the cluster, shows its address."
_KNOCK_SECONDS = 10.0


def _knock(address: str) -> None:
    """Ray itself asks a machine that does not answer for minutes.

    Raises:
        UserError: if nobody listens at the address (`host:port`, or `ray://host:port`); other forms are left to Ray.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        try:
            socket.create_connection((host, int(port)), _KNOCK_SECONDS).close()
        except (OSError, OverflowError) as failure:
            raise UserError(f"No Ray cluster answers at {address} ({failure}).", _WHERE) from None


def _at_a_distance(work: Work[Answer], paths: tuple[str, ...], names: Names) -> Answer:
    from pathlib import Path

    return work(tuple(open_checkpoint(Path(path)) for path in paths), names)


def named_tensors(files: CheckpointFiles, names: Names) -> list[StoredTensor]:
    """The tensors of these names; one that is not there (the file changed) is left out."""
    return [files.by_name[name] for name in names if name in files.by_name]
