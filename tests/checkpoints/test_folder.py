"""What a checkpoint folder holds, without opening anything in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rldk_tui.checkpoints import checkpoints_of, inspect_folder, step_of


def test_a_folder_is_whole_when_the_last_file_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint-40"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"x" * 100)
    assert not inspect_folder(folder).complete
    (folder / "trainer_state.json").write_text("{}")
    facts = inspect_folder(folder)
    assert facts.complete
    assert (facts.step, facts.size, facts.files) == (40, 102, ("model.safetensors", "trainer_state.json"))


def test_a_loop_of_links_holds_no_checkpoints(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert checkpoints_of(tmp_path / "loop") == ()


def test_only_the_trainers_names_are_checkpoints(tmp_path: Path) -> None:
    assert step_of("checkpoint-7") == 7
    assert step_of("checkpoint-best") is None
    with pytest.raises(ValueError, match="checkpoint-<step>"):
        inspect_folder(tmp_path)
