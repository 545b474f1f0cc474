"""What is said of a checkpoint: healthy ones, and one fault each."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from rldk_tui.checkpoints import CheckpointAnalysis, CheckpointAnalyzer, executor
from rldk_tui.checkpoints.executor import LocalThreads
from rldk_tui.errors import UserError
from rldk_tui.events import Severity
from tests.checkpoints.made import Weights, adapter, checkpoint, sharded, tensors_file, trained, weights

UP = "model.layers.3.mlp.up_proj.weight"


def rules(analysis: CheckpointAnalysis) -> dict[str, Severity]:
    return {issue.rule: issue.severity for issue in analysis.issues if issue.severity is not Severity.INFO}


def analysed(run: Path, *steps: Weights, config: dict[str, object] | None = None) -> CheckpointAnalysis:
    """The last of these checkpoints, ten steps apart."""
    analyzer = CheckpointAnalyzer()
    for number, content in enumerate(steps, 1):
        analysis = analyzer.analyze_checkpoint(checkpoint(run, 10 * number, content, config=config))
    return analysis


def test_a_healthy_run_has_no_issue_and_full_health(tmp_path: Path) -> None:
    first = weights()
    second = trained(first)
    analysis = analysed(tmp_path, first, second, trained(second, 2))
    assert rules(analysis) == {}
    assert analysis.health == 1.0
    assert analysis.usable
    assert analysis.step == 30
    assert {"checkpoint/largest_change", "checkpoint/change_outlier", "checkpoint/gain_drift"} <= set(analysis.figures)
    assert analysis.since_previous is not None
    assert analysis.since_first is not None
    assert analysis.since_previous.relative < analysis.since_first.relative


def test_statistics_are_those_of_the_numbers(tmp_path: Path) -> None:
    content = weights()
    analysis = analysed(tmp_path, content)
    every = np.concatenate([array.ravel().astype(np.float64) for array in content.values()])
    total = analysis.total
    assert (total.tensors, total.count) == (len(content), every.size)
    for found, true in (
        (total.mean, every.mean()),
        (total.std, every.std()),
        (total.norm, np.linalg.norm(every)),
        (total.rms, np.sqrt(np.mean(every**2))),
        (total.minimum, every.min()),
        (total.maximum, every.max()),
    ):
        assert found == pytest.approx(true, rel=1e-6)
    assert sum(role.count for role in analysis.roles) == every.size
    assert [layer.name for layer in analysis.layers] == [str(layer) for layer in range(8)]


def test_the_first_checkpoint_is_compared_with_nothing(tmp_path: Path) -> None:
    analysis = analysed(tmp_path, weights())
    assert analysis.since_previous is None
    assert set(analysis.figures) == {"checkpoint/nonfinite_tensors"}
    assert analysis.health == 1.0


def _nan(content: Weights) -> None:
    content[UP][2, 3] = math.nan


def _zero_rows(content: Weights) -> None:
    content[UP][:16] = 0.0


def _jump(content: Weights) -> None:
    content[UP][:] *= 1.5


def _gains(content: Weights) -> None:
    content["model.norm.weight"][:] *= 1.3


def _turned_gains(content: Weights) -> None:
    content["model.norm.weight"][:4] *= -1.0


def _large(content: Weights) -> None:
    for name, array in content.items():
        array[:] *= 3.0 if array.ndim == 2 else 1.0
        assert name


@pytest.mark.parametrize(
    ("fault", "rule", "severity"),
    [
        (_nan, "ckpt-nonfinite", Severity.CRITICAL),
        (_zero_rows, "ckpt-dead-units", Severity.HIGH),
        (_jump, "ckpt-weight-jump", Severity.HIGH),
        (_gains, "ckpt-norm-gain-drift", Severity.WARNING),
        (_turned_gains, "ckpt-norm-gain-drift", Severity.WARNING),
        (_large, "large-weights", Severity.WARNING),
        (_large, "high-variance", Severity.WARNING),
    ],
)
def test_one_fault_each(tmp_path: Path, fault: Callable[[Weights], None], rule: str, severity: Severity) -> None:
    first = weights()
    second = trained(first)
    fault(second)
    analysis = analysed(tmp_path, first, second)
    assert rules(analysis)[rule] is severity
    assert analysis.health is not None
    assert analysis.health < 1.0
    told = next(issue for issue in analysis.issues if issue.rule == rule)
    assert told.advice
    assert told.tensors


def test_a_number_that_is_not_finite_leaves_no_health(tmp_path: Path) -> None:
    first = weights()
    _nan(first)
    analysis = analysed(tmp_path, first)
    assert analysis.health == 0.0
    assert not analysis.usable
    assert "1 tensor that is not finite: 1 number is NaN or infinite" in analysis.issues[0].message
    assert [one.dead_rows for one in analysis.tensors if one.nonfinite] == [None]
    assert analysis.score.caps[0].limit == 0.0


def test_the_save_after_a_bad_one_moves_back_and_is_not_told(tmp_path: Path) -> None:
    first = weights()
    good, bad, good_again = trained(first, 1), trained(first, 2), trained(first, 3)
    bad["model.layers.3.mlp.up_proj.weight"] *= 3
    analyzer = CheckpointAnalyzer()
    steps = (first, good, bad, good_again)
    found = [analyzer.analyze_checkpoint(checkpoint(tmp_path, 20 * step, made)) for step, made in enumerate(steps, 1)]
    assert [set(rules(analysis)) & {"ckpt-weight-jump"} for analysis in found] == [set(), set(), {"ckpt-weight-jump"}, set()]


def test_the_same_weights_again_are_said_so(tmp_path: Path) -> None:
    analysis = analysed(tmp_path, weights(), weights())
    assert rules(analysis) == {"ckpt-unchanged": Severity.CRITICAL}
    assert analysis.figures["checkpoint/largest_change"].value == 0.0


def test_frozen_weights_are_no_fault_while_one_tensor_moves(tmp_path: Path) -> None:
    first = weights()
    second = {**first, UP: trained(first)[UP]}
    assert rules(analysed(tmp_path, first, second)) == {}


def test_rows_that_were_never_alive_did_not_die(tmp_path: Path) -> None:
    first = weights()
    first["model.embed_tokens.weight"][48:] = 0.0
    second = trained(first)
    second["model.embed_tokens.weight"][48:] = 0.0
    analysis = analysed(tmp_path, first, second)
    assert analysis.figures["checkpoint/newly_dead_rows"].value == 0.0
    assert rules(analysis) == {}


def test_infinity_in_a_mask_is_no_fault(tmp_path: Path) -> None:
    content = {**weights(), "h.0.attn.masked_bias": np.array(-np.inf, np.float32)}
    assert rules(analysed(tmp_path, content)) == {}


def test_gemmas_gains_are_about_zero_and_mean_about_one(tmp_path: Path) -> None:
    first = {**weights(), "model.norm.weight": np.full(32, 0.01, np.float32)}
    second = {**trained(first, by=1e-4), "model.norm.weight": np.full(32, 0.02, np.float32)}
    assert "ckpt-norm-gain-drift" in rules(analysed(tmp_path / "qwen", first, second))
    assert rules(analysed(tmp_path / "gemma", first, second, config={"model_type": "gemma2"})) == {}


def test_a_layer_unlike_the_others_stands_out_without_a_beginning(tmp_path: Path) -> None:
    content = weights()
    content[UP] *= 10.0
    analysis = analysed(tmp_path, content)
    assert rules(analysis) == {"large-weights": Severity.WARNING, "high-variance": Severity.WARNING}
    assert analysis.issues[0].tensors == (UP,)
    scaled = {name: array * 1000.0 for name, array in weights().items()}
    assert rules(analysed(tmp_path / "scaled", scaled)) == {}, "no universal constant"


def test_a_model_of_few_layers_is_not_judged_by_its_layers(tmp_path: Path) -> None:
    few = {name: array for name, array in weights().items() if not any(f"layers.{layer}." in name for layer in range(2, 8))}
    few["model.layers.1.mlp.up_proj.weight"] *= 10.0
    assert rules(analysed(tmp_path, few)) == {}


@pytest.mark.parametrize(("told", "found"), [(True, "ckpt-tied-embedding-broken"), (False, None)])
def test_tied_embeddings_that_differ(tmp_path: Path, told: bool, found: str | None) -> None:
    content = weights()
    content["lm_head.weight"] = content["model.embed_tokens.weight"] * np.float32(1.01)
    analysis = analysed(tmp_path, content, config={"tie_word_embeddings": told})
    assert list(rules(analysis)) == ([found] if found else [])
    content["lm_head.weight"] = content["model.embed_tokens.weight"]
    assert rules(analysed(tmp_path, content, config={"tie_word_embeddings": told})) == {}


@pytest.mark.parametrize(
    ("step", "b", "severity"),
    [(40, 0.0, Severity.CRITICAL), (20, 0.0, None), (40, 0.01, None)],
    ids=["zero", "early", "learned"],
)
def test_an_adapter_whose_b_is_zero(tmp_path: Path, step: int, b: float, severity: Severity | None) -> None:
    folder = checkpoint(tmp_path, step, adapter(b), name="adapter_model.safetensors")
    analysis = CheckpointAnalyzer().analyze_checkpoint(folder)
    assert analysis.kind.value == "adapter"
    assert rules(analysis).get("lora-b-zero") is severity


def test_some_modules_of_zero_are_a_warning(tmp_path: Path) -> None:
    content = adapter()
    for name in [name for name in content if "lora_B" in name][:3]:
        content[name][:] = 0.0
    folder = checkpoint(tmp_path, 40, content, name="adapter_model.safetensors")
    assert rules(CheckpointAnalyzer().analyze_checkpoint(folder)) == {"lora-b-zero": Severity.WARNING}


def test_a_missing_shard_is_one_issue_and_the_rest_is_measured(tmp_path: Path) -> None:
    folder = sharded(tmp_path, 10, weights())
    whole = CheckpointAnalyzer().analyze_checkpoint(folder)
    assert rules(whole) == {}
    (folder / "model-00002-of-00003.safetensors").unlink()
    part = CheckpointAnalyzer().analyze_checkpoint(folder)
    assert rules(part) == {"ckpt-incomplete": Severity.HIGH}
    assert 0 < len(part.tensors) < len(whole.tensors)
    assert not part.usable


def test_shards_say_what_one_file_says(tmp_path: Path) -> None:
    one = CheckpointAnalyzer().analyze_checkpoint(checkpoint(tmp_path / "one", 10, weights()))
    many = CheckpointAnalyzer().analyze_checkpoint(sharded(tmp_path / "many", 10, weights()))
    assert [asdict(role) for role in one.roles] == [asdict(role) for role in many.roles]


def test_a_save_that_was_cut_off(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path, 10, weights())
    (folder / "trainer_state.json").unlink()
    assert rules(CheckpointAnalyzer().analyze_checkpoint(folder)) == {"ckpt-incomplete": Severity.HIGH}


def test_a_model_that_no_trainer_saved_lacks_nothing(tmp_path: Path) -> None:
    tensors_file(tmp_path / "model.safetensors", weights())
    analysis = CheckpointAnalyzer().analyze_checkpoint(tmp_path)
    assert analysis.step is None
    assert analysis.issues == ()
    assert analysis.health == 1.0


def test_a_step_may_be_given(tmp_path: Path) -> None:
    analyzer = CheckpointAnalyzer()
    for step in (0, 5):
        tensors_file(tmp_path / "model.safetensors", trained(weights(), step))
        analysis = analyzer.analyze_checkpoint(tmp_path, step)
    assert analysis.figures["checkpoint/steps_since"].value == 5


def test_with_a_run_the_earlier_checkpoint_need_not_be_there(tmp_path: Path) -> None:
    first = weights()
    gone = checkpoint(tmp_path, 10, first)
    CheckpointAnalyzer(tmp_path).analyze_checkpoint(gone)
    for file in gone.iterdir():
        file.unlink()
    gone.rmdir()
    later = CheckpointAnalyzer(tmp_path).analyze_checkpoint(checkpoint(tmp_path, 20, trained(first)))
    kept = analysed(tmp_path / "other", first, trained(first))
    assert {name: figure.value for name, figure in later.figures.items()} == {
        name: figure.value for name, figure in kept.figures.items()
    }


def test_where_no_rate_was_on_nothing_had_to_change(tmp_path: Path) -> None:
    analyzer = CheckpointAnalyzer()
    for step in (10, 20):
        folder = checkpoint(tmp_path, step, weights())
        state = {"global_step": step, "max_steps": 20, "log_history": [{"step": step, "learning_rate": 0.0}]}
        (folder / "trainer_state.json").write_text(json.dumps(state))
        analysis = analyzer.analyze_checkpoint(folder)
    assert "ckpt-unchanged" not in rules(analysis)


def test_progress_reaches_the_whole(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    CheckpointAnalyzer(progress=lambda done, total: told.append((done, total))).analyze_checkpoint(
        checkpoint(tmp_path, 10, weights())
    )
    assert told[-1][0] == told[-1][1] > 0
    assert sorted(told) == told


def test_nothing_there_is_an_error_for_people(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        CheckpointAnalyzer().analyze_checkpoint(tmp_path / "none")


def test_a_shard_that_is_cut_short_meanwhile_is_one_issue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "_PIECE", 1)  # one tensor at a time
    folder = sharded(tmp_path, 10, weights())
    second = folder / "model-00002-of-00003.safetensors"

    def cut(done: int, _total: int) -> None:
        if done:
            os.truncate(second, 0)

    found = CheckpointAnalyzer(progress=cut, executor=LocalThreads(1)).analyze_checkpoint(folder)
    (problem,) = found.problems
    assert (problem.kind, problem.source) == ("changed-while-read", second.name)
    assert len([issue for issue in found.issues if issue.severity is not Severity.INFO]) == 1
    read = {one.source for one in found.tensors if one.moments is not None}
    assert read == {"model-00001-of-00003.safetensors", "model-00003-of-00003.safetensors"}
    assert not found.usable
