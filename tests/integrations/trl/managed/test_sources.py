"""What a description names is found, or refused with one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rldk_tui.errors import UserError

pytest.importorskip("trl")
from rldk_tui.integrations.trl.managed import sources


def test_data_comes_from_files_and_saved_folders(tmp_path: Path) -> None:
    from datasets import Dataset

    rows = [{"prompt": "a"}, {"prompt": "b"}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Dataset.from_list(rows).save_to_disk(str(tmp_path / "saved"))
    for name in ("rows.jsonl", "saved"):
        assert sources.dataset(str(tmp_path / name), "train")["prompt"][:] == ["a", "b"]


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be loaded"):
        sources.dataset(str(tmp_path / "none.jsonl"), "train")
    with pytest.raises(UserError, match="cannot be loaded"):
        sources.language_model(str(tmp_path))


def test_reward_functions_come_from_files_and_modules(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def half(completions, **_):\n    return [0.5 for _ in completions]\n")
    assert sources.reward_function(f"{tmp_path / 'mine.py'}:half")(completions=["a", "b"]) == [0.5, 0.5]
    assert sources.reward_function("sample_runs.tiny_language:topic_reward").__name__ == "topic_reward"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("half", "names no reward function"),
        ("no.such.module:f", "cannot be imported"),
        ("/nowhere/mine.py:f", "cannot be imported"),
        ("sample_runs.tiny_language:nothing", "has no function 'nothing'"),
        ("sample_runs.tiny_language:LONGEST", "has no function 'LONGEST'"),
    ],
)
def test_a_function_that_is_not_there_is_told(name: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        sources.reward_function(name)
