"""What `rldk checkpoints --json` prints is what its schema says, of checkpoints in any state and of any names."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from rldk_tui.cli import main
from rldk_tui.summary.checkpoints import checkpoints_schema
from tests.checkpoints.made import adapter, checkpoint, sharded, tensors_file, trained, weights

HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egnp.exe",
    "[red]markup[/red]",
    "<script>alert(1)</script>",
    "line\nbreak\t",
    "x" * 10_000,
)


def shape_of(answer: Any, name: str) -> None:
    """The answer is the one of this name."""
    schema = checkpoints_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(answer, schema)
    jsonschema.validate(answer, {"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]})


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    main(["checkpoints", *arguments, "--json"])
    return json.loads(capsys.readouterr().out)


def broken(run: Path) -> Path:
    content = weights()
    content["model.norm.weight"][3] = np.nan
    content["count"] = np.arange(3, dtype=np.int64)
    content["empty"] = np.empty((0, 4), np.float32)
    return checkpoint(run, 10, content)


def cut_short(run: Path) -> Path:
    folder = sharded(run, 10, weights())
    os.truncate(folder / "model-00002-of-00003.safetensors", 5000)
    (folder / "model-00003-of-00003.safetensors").unlink()
    return folder


def hostile(run: Path) -> Path:
    content = {f"model.layers.{layer}.{name}.weight": np.zeros((4, 4), np.float32) for layer, name in enumerate(HOSTILE)}
    content[f"{HOSTILE[0]}.weight"] = np.full((4, 4), np.nan, np.float32)
    folder = checkpoint(run, 10, content, config={"model_type": HOSTILE[0], "architectures": list(HOSTILE)})
    shards = {"a": f"../{HOSTILE[0]}.safetensors", "b": f"{HOSTILE[1]}.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    return folder


MADE: list[Callable[[Path], Path]] = [
    lambda run: checkpoint(run, 10, weights()),
    lambda run: checkpoint(run, 10, adapter(), name="adapter_model.safetensors"),
    broken,
    cut_short,
    hostile,
]


@pytest.mark.parametrize("made", MADE, ids=["healthy", "adapter", "broken", "cut short", "hostile"])
def test_one_checkpoint(made: Callable[[Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shape_of(answer(capsys, str(made(tmp_path))), "analysis")


@pytest.mark.parametrize("made", MADE, ids=["healthy", "adapter", "broken", "cut short", "hostile"])
def test_two_and_a_run(made: Callable[[Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = made(tmp_path)
    after = checkpoint(tmp_path, 20, trained(weights()))
    tensors_file(tmp_path / "model.safetensors", weights())
    shape_of(answer(capsys, str(before), str(after)), "comparison")
    found = answer(capsys, str(tmp_path))
    shape_of(found, "run")
    assert found["final"] is not None
    several = answer(capsys, *map(str, (before, after, after)))
    jsonschema.validate(several, checkpoints_schema())
    assert len(several) == 3


@pytest.mark.parametrize("more", [[], ["--spectral"]])
def test_no_name_steers_a_terminal(more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = hostile(tmp_path), hostile(tmp_path / "other")
    (first / "model.safetensors.index.json").rename(first / "kept.index.json")
    for arguments in ([str(first)], [str(first), str(second)], [str(second), str(first)], [str(tmp_path)]):
        main(["checkpoints", *more, *arguments])
        told = capsys.readouterr().out
        assert all(line.isprintable() for line in told.split("\n"))
        assert max(map(len, told.split("\n"))) < 2000
