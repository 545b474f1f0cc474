"""Looking at safetensors loads no framework; torch comes with torch's own files only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkpoints.weights import entry, write

HEAVY = {"torch", "transformers", "safetensors", "polars", "rich", "textual", "jinja2"}
LOOK = """
import sys
from rldk_tui.cli import main
status = main(["checkpoints", sys.argv[1], "--json"])
print(status, *sys.modules, file=sys.stderr)
"""


def loaded_by_looking_at(folder: Path) -> set[str]:
    done = subprocess.run([sys.executable, "-c", LOOK, str(folder)], capture_output=True, text=True, check=True, timeout=60)
    status, *modules = done.stderr.split()
    assert status == "0"
    return set(modules) & HEAVY


def test_safetensors_bring_no_framework(tmp_path: Path) -> None:
    write(tmp_path / "model.safetensors", {"a": entry(0, 16)}, bytes(16))
    (tmp_path / "trainer_state.json").write_text('{"global_step": 3}')
    assert loaded_by_looking_at(tmp_path) == set()


def test_torchs_own_files_bring_torch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"a": torch.ones(4)}, tmp_path / "pytorch_model.bin")
    assert "torch" in loaded_by_looking_at(tmp_path)
