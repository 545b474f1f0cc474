"""`rldk train` as a shell sees it: a description is trained, or refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rldk_tui.cli import main
from sample_runs.tiny_language import preferences
from sample_runs.tiny_models import build


def test_a_description_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(tmp_path / "none.toml")]) == 2
    assert "none.toml" in capsys.readouterr().err


@pytest.mark.train
def test_a_description_is_trained_judged_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("trl")
    models = build(tmp_path / "models", steps=5)
    pairs = preferences(1, 16)
    rows = [{"prompt": asked, "completion": told} for asked, told in zip(pairs["prompt"], pairs["chosen"], strict=True)]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    described = {
        "trainer": "sft",
        "model_name": str(models.language),
        "dataset_name": "answers.jsonl",
        "output_dir": str(tmp_path / "run"),
    }
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in described.items())
    numbers = "batch_size = 4\nnum_steps = 9\nenable_report = false\n"
    (tmp_path / "train.toml").write_text(f"{text}{numbers}[trainer_arguments]\nuse_cpu = true\nbf16 = false\n")
    assert main(["train", str(tmp_path / "train.toml"), "--steps", "2", "--no-checkpoints"]) in (0, 1)
    assert "finished after 2 steps" in capsys.readouterr().out
