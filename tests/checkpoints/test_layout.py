"""What lies at a path: real folders of every kind, and folders that something is wrong with."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rldk_tui.checkpoints.layout import CheckpointFiles, CheckpointKind, changed_since, open_checkpoint
from rldk_tui.checkpoints.roles import place_of
from rldk_tui.errors import UserError
from tests.checkpoints.weights import entry, held, model, write

FOUR = np.arange(4, dtype="<f4").tobytes()


def kinds(files: CheckpointFiles) -> list[str]:
    return [problem.kind for problem in files.problems]


def checkpoint(folder: Path, **more: Any) -> Path:
    """A small whole checkpoint, without its framework."""
    folder.mkdir(parents=True)
    write(folder / "model.safetensors", {"a": entry(0, 8), "b": entry(8, 16)}, FOUR)
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen2"}))
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": 5, "log_history": []} | more))
    return folder


def sharded(folder: Path, weight_map: dict[str, Any], *present: str) -> Path:
    """A folder of shards that hold one tensor each, named as the shard."""
    folder.mkdir(exist_ok=True)
    for shard in present:
        write(folder / shard, {shard[0]: entry(0, 16)}, FOUR)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    return folder


def test_a_checkpoint(tmp_path: Path) -> None:
    files = open_checkpoint(checkpoint(tmp_path / "checkpoint-5"))
    assert (files.step, files.kind, files.complete, files.problems) == (5, CheckpointKind.FULL, True, ())
    assert [tensor.name for tensor in files.tensors] == ["a", "b"]
    assert files.config == {"model_type": "qwen2"}
    assert files.files == ("config.json", "model.safetensors", "trainer_state.json")
    assert files.size == sum(path.stat().st_size for path in files.path.iterdir())
    assert files.trainer_state == files.path / "trainer_state.json"
    assert (files.optimizer, files.scheduler, files.adapter_config) == (None, None, None)


def test_the_step_is_the_folders_else_the_states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_checkpoint(checkpoint(tmp_path / "final")).step == 5
    assert open_checkpoint(checkpoint(tmp_path / "odd", global_step="many")).step is None
    monkeypatch.chdir(checkpoint(tmp_path / "checkpoint-7"))
    assert open_checkpoint(Path()).step == 7


@pytest.mark.parametrize("name", ["nothing", "notes.txt", "run"])
def test_what_is_no_checkpoint_is_an_error_with_a_hint(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "trainer_state.json").write_text("{}")
    with pytest.raises(UserError) as raised:
        open_checkpoint(tmp_path / name)
    assert raised.value.hint


def test_a_real_model_in_shards_is_the_model(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    tiny = model(tie_word_embeddings=False)
    tiny.save_pretrained(tmp_path, max_shard_size="5KB")
    files = open_checkpoint(tmp_path)
    assert len({tensor.source for tensor in files.tensors}) > 3
    assert not files.problems
    state = tiny.state_dict()
    assert {tensor.name for tensor in files.tensors} == set(state)
    for tensor in files.tensors:
        np.testing.assert_array_equal(held(tensor), state[tensor.name].numpy().reshape(-1))
    assert open_checkpoint(tmp_path / "model.safetensors.index.json").tensors == files.tensors


def test_a_real_model_in_torch_shards_is_the_model(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    state = model().state_dict()
    names = list(state)
    shards = {"pytorch_model-00001-of-00002.bin": names[:9], "pytorch_model-00002-of-00002.bin": names[9:]}
    for shard, some in shards.items():
        torch.save({name: state[name] for name in some}, tmp_path / shard)
    weight_map = {name: shard for shard, some in shards.items() for name in some}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": weight_map}))
    files = open_checkpoint(tmp_path)
    assert not files.problems
    assert {tensor.name for tensor in files.tensors} == set(names)


def test_a_real_adapter(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    adapted = peft.get_peft_model(model(), peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"]))
    adapted.save_pretrained(tmp_path)
    files = open_checkpoint(tmp_path)
    assert (files.kind, files.problems) == (CheckpointKind.ADAPTER, ())
    assert len(files.tensors) == 8
    assert all(not held(tensor).any() for tensor in files.tensors if "lora_B" in tensor.name)
    assert files.adapter_config is not None
    assert files.adapter_config["r"] == 2


def test_adapters_with_names_of_their_own(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(r=2, target_modules=["q_proj"])
    adapted = peft.get_peft_model(model(), config, adapter_name="policy")
    adapted.add_adapter("critic", config)
    adapted.save_pretrained(tmp_path)
    files = open_checkpoint(tmp_path)
    assert (files.kind, files.problems) == (CheckpointKind.ADAPTER, ())
    assert {tensor.name.partition("/")[0] for tensor in files.tensors} == {"policy", "critic"}
    assert len(files.tensors) == 8
    assert files.size > sum(tensor.size for tensor in files.tensors)
    assert {place_of(tensor.name).layer for tensor in files.tensors} == {0, 1}
    adapted.add_adapter("default", config)
    adapted.save_pretrained(tmp_path)
    assert len(open_checkpoint(tmp_path).tensors) == 12


def test_missing_shards_are_one_problem_and_the_others_are_read(tmp_path: Path) -> None:
    folder = sharded(tmp_path, {"a": "a.safetensors", "b": "b.safetensors", "c": "c.safetensors"}, "a.safetensors")
    files = open_checkpoint(folder)
    assert ([tensor.name for tensor in files.tensors], kinds(files), files.complete) == (["a"], ["missing-shard"], False)
    assert "2 shards" in files.problems[0].message


@pytest.mark.parametrize("shard", ["../b.safetensors", "/etc/passwd", "sub/../../b.safetensors", "link.safetensors", "", "b\0"])
def test_a_shard_outside_the_folder_is_not_opened(tmp_path: Path, shard: str) -> None:
    write(tmp_path / "b.safetensors", {"b": entry(0, 16)}, FOUR)
    folder = sharded(tmp_path / "model", {"a": "a.safetensors", "b": shard}, "a.safetensors")
    (folder / "link.safetensors").symlink_to(tmp_path / "b.safetensors")
    files = open_checkpoint(folder)
    assert ([tensor.name for tensor in files.tensors], kinds(files)) == (["a"], ["shard-outside-folder"])


def test_weights_that_are_a_link_out_of_the_folder_are_not_opened(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "checkpoint-5")
    (folder / "model.safetensors").rename(tmp_path / "elsewhere")
    (folder / "model.safetensors").symlink_to(tmp_path / "elsewhere")
    assert kinds(open_checkpoint(folder)) == ["shard-outside-folder"]


def test_the_hubs_cache_links_to_its_own_blobs(tmp_path: Path) -> None:
    snapshot, blobs = tmp_path / "snapshots" / "abc", tmp_path / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    write(blobs / "0f", {"a": entry(0, 16)}, FOUR)
    (snapshot / "model.safetensors").symlink_to("../../blobs/0f")
    files = open_checkpoint(snapshot)
    assert (len(files.tensors), files.problems) == (1, ())


def test_what_index_and_shards_disagree_about(tmp_path: Path) -> None:
    weight_map = {"a": "a.safetensors", "b": "b.safetensors", "z": "b.safetensors"}
    folder = sharded(tmp_path, weight_map, "a.safetensors", "b.safetensors")
    write(folder / "b.safetensors", {"b": entry(0, 8), "a": entry(8, 16)}, FOUR)
    files = open_checkpoint(folder)
    assert [(tensor.name, tensor.source) for tensor in files.tensors] == [("a", "a.safetensors"), ("b", "b.safetensors")]
    assert sorted(kinds(files)) == ["duplicate-tensor", "missing-tensor"]


@pytest.mark.parametrize(
    "index", ["[]", "{", '{"weight_map": {}}', '{"weight_map": 3}', '{"weight_map": {"a": 3}}', "[" * 20_000]
)
def test_a_broken_index_is_one_problem(tmp_path: Path, index: str) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(index)
    files = open_checkpoint(tmp_path)
    assert len(files.problems) == 1
    assert files.problems[0].kind in {"bad-json", "bad-index"}


def test_an_index_of_countless_shards_is_refused(tmp_path: Path) -> None:
    assert kinds(open_checkpoint(sharded(tmp_path, {str(n): f"{n}.safetensors" for n in range(20_000)}))) == ["bad-index"]


def test_a_truncated_shard_keeps_what_is_left_of_it(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "checkpoint-5")
    os.truncate(folder / "model.safetensors", (folder / "model.safetensors").stat().st_size - 4)
    files = open_checkpoint(folder)
    assert ([tensor.name for tensor in files.tensors], kinds(files), files.complete) == (["a"], ["truncated"], False)


def test_a_checkpoint_still_being_written_is_not_complete(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "checkpoint-5")
    (folder / "trainer_state.json").unlink()
    files = open_checkpoint(folder)
    assert (len(files.tensors), kinds(files), files.complete) == (2, ["trainer-state-missing"], False)
    (folder / "model.safetensors").unlink()
    assert set(kinds(open_checkpoint(folder))) == {"trainer-state-missing", "no-weights"}


@pytest.mark.parametrize("content", ["[1]", "{", "", "[" * 50_000, '{"a": 1' + "0" * 5000 + "}"])
def test_a_config_that_is_none_spoils_nothing_else(tmp_path: Path, content: str) -> None:
    folder = checkpoint(tmp_path / "checkpoint-5")
    (folder / "config.json").write_text(content)
    files = open_checkpoint(folder)
    assert (files.config, len(files.tensors), kinds(files)) == (None, 2, ["bad-json"])


def test_a_config_of_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "checkpoint-5")
    os.truncate(folder / "config.json", 1 << 30)
    assert kinds(open_checkpoint(folder)) == ["too-large"]


def test_a_config_may_hold_infinity(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "checkpoint-5")
    (folder / "config.json").write_text('{"time_step_limit": [0.0, Infinity]}')
    assert not open_checkpoint(folder).problems


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "trainer_state.json"])
def test_a_pipe_or_a_loop_of_links_is_waited_for_by_nobody(tmp_path: Path, name: str) -> None:
    folder = checkpoint(tmp_path / "final")
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert kinds(open_checkpoint(folder)) in ([], ["not-a-file"])
    (folder / name).unlink()
    (folder / name).symlink_to(folder / name)
    assert kinds(open_checkpoint(folder)) in ([], ["unreadable"])


def test_a_change_while_it_is_looked_at_is_told_once_a_file(tmp_path: Path) -> None:
    files = open_checkpoint(checkpoint(tmp_path / "checkpoint-5"))
    assert changed_since(files.tensors) == ()
    write(tmp_path / "checkpoint-5" / "model.safetensors", {"a": entry(0, 16)}, FOUR)
    assert [problem.kind for problem in changed_since(files.tensors)] == ["changed-while-read"]
    shutil.rmtree(tmp_path / "checkpoint-5")
    assert [problem.source for problem in changed_since(files.tensors)] == ["model.safetensors"]
