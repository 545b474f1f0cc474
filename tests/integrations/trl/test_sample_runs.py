"""The recipes of the bundled runs still make what is bundled, and the bundled runs are what they claim."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from rldk_tui.events import Algorithm, Checkpoint, Metrics, RunEnded, RunStarted
from sample_runs import make_run
from sample_runs.tiny_models import Models
from tests.integrations.trl.conftest import log_of

BUNDLED = Path(make_run.__file__).parent
WITH_CALLBACK = sorted(name for name, recipe in make_run.RECIPES.items() if recipe.with_callback)
MOST_BYTES = 400_000


def files(run: Path) -> list[Path]:
    return [file for file in run.rglob("*") if file.is_file()]


@pytest.mark.train
@pytest.mark.parametrize("name", sorted(make_run.RECIPES))
def test_a_recipe_makes_a_run_of_the_bundled_shape(
    name: str, models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_run, "build", lambda: models)
    monkeypatch.setitem(make_run.RECIPES, name, replace(make_run.RECIPES[name], steps=20))
    made = tmp_path / name
    make_run.make(name, made)
    assert {file.suffix for file in files(made)} == {
        file.suffix for file in files(BUNDLED / name) if file.name != "expected_findings.toml"
    }
    assert log_of(made).path.exists() == (name in WITH_CALLBACK)
    here = str(tmp_path).encode()
    assert [file for file in files(made) if here in file.read_bytes()] == []


@pytest.mark.parametrize("name", sorted(make_run.RECIPES))
def test_a_bundled_run_is_small_and_holds_nothing_that_runs_code(name: str) -> None:
    found = files(BUNDLED / name)
    assert sum(file.stat().st_size for file in found) <= MOST_BYTES
    assert {file.suffix for file in found} & {".pt", ".pth", ".bin", ".safetensors", ".pkl"} == set()
    assert (BUNDLED / name / "expected_findings.toml").exists()


@pytest.mark.parametrize("name", WITH_CALLBACK)
def test_a_bundled_log_is_whole(name: str) -> None:
    log = log_of(BUNDLED / name)
    started = log.events[0]
    assert isinstance(started, RunStarted)
    assert started.algorithm is Algorithm(name.split("-")[0])
    assert started.host not in (None, socket.gethostname())
    recipe = make_run.RECIPES[name]
    steps = {row.step for row in log.of(Metrics)}
    assert steps == set(range(1, len(steps) + 1))
    assert (len(steps) < recipe.steps) == recipe.killed
    assert len(log.of(Checkpoint)) == (1 if recipe.killed else 2)
    assert len(log.of(RunEnded)) == (0 if recipe.killed else 1)
    assert log.faults == []
