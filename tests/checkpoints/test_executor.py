"""The same numbers wherever the work is done."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rldk_tui.checkpoints import CheckpointAnalyzer
from rldk_tui.checkpoints.executor import Executor, LocalThreads, RayCluster
from rldk_tui.errors import UserError
from rldk_tui.summary.checkpoints import analysis_object, comparison_object
from tests.checkpoints.made import checkpoint, sharded, trained, weights


def everything(tmp_path: Path, executor: Executor) -> tuple[object, object]:
    old, new = tmp_path / "checkpoint-10", tmp_path / "checkpoint-20"
    if not old.exists():
        checkpoint(tmp_path, 10, weights())
        sharded(tmp_path, 20, trained(weights()))
    analyzer = CheckpointAnalyzer(executor=executor)
    analyzer.analyze_checkpoint(old)
    return analysis_object(analyzer.analyze_checkpoint(new)), comparison_object(analyzer.compare(old, new))


def test_any_number_of_threads(tmp_path: Path) -> None:
    assert everything(tmp_path, LocalThreads(1)) == everything(tmp_path, LocalThreads(5))


@pytest.fixture
def cluster() -> Iterator[str]:
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield ray.get_runtime_context().gcs_address
    ray.shutdown()


def test_a_ray_cluster(tmp_path: Path, cluster: str) -> None:
    assert everything(tmp_path, RayCluster(cluster)) == everything(tmp_path, LocalThreads(1))


def test_a_cluster_that_does_not_answer_is_an_error_for_people() -> None:
    pytest.importorskip("ray")
    with pytest.raises(UserError, match="No Ray cluster answers"):
        RayCluster("127.0.0.1:1")


def test_without_ray_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match="not installed") as failure:
        RayCluster()
    assert failure.value.hint is not None
    assert "[ray]" in failure.value.hint
