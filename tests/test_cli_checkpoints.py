"""`rldk checkpoints` as a shell sees it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rldk_tui.cli import main
from tests.checkpoints.made import checkpoint, tensors_file, trained, weights


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Three checkpoints, the second with a NaN."""
    first = weights()
    second = trained(first)
    broken = {**second, "model.norm.weight": np.full(32, np.nan, np.float32)}
    for step, content in ((10, first), (20, broken), (30, trained(second, 2))):
        checkpoint(tmp_path, step, content)
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    main(["checkpoints", *arguments, "--json"])
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def answered(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    main(["checkpoints", *arguments])
    return capsys.readouterr().out


def test_one_checkpoint(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoints", str(run / "checkpoint-10")]) == 0
    told = capsys.readouterr().out
    assert "health 1.00" in told
    assert "attention" in told
    assert main(["checkpoints", str(run / "checkpoint-20")]) == 1
    assert "ckpt-nonfinite" in capsys.readouterr().out


def test_one_checkpoint_as_json(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, str(run / "checkpoint-20"))
    assert found["score"] == 0.0
    assert {"path", "step", "kind", "issues", "figures", "roles", "layers", "tensors", "training", "problems"} <= set(found)
    tensors = found["tensors"]
    assert isinstance(tensors, list)
    assert {tensor["name"]: tensor["nan"] for tensor in tensors}["model.norm.weight"] == 32


def test_two_checkpoints_are_compared(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(run / "checkpoint-10"), str(run / "checkpoint-30")]
    assert main(["checkpoints", *paths]) == 0
    assert "changed most" in capsys.readouterr().out
    found = answer(capsys, *paths)
    assert found["steps"] == 20
    assert isinstance(found["total"], dict)
    assert found["total"]["relative"] > 0


def test_more_than_two_are_analysed(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoints", *(str(run / f"checkpoint-{step}") for step in (10, 20, 30)), "--json"]) == 1
    assert [one["step"] for one in json.loads(capsys.readouterr().out)] == [10, 20, 30]


def test_a_run_is_a_table_and_a_choice(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoints", str(run)]) == 1
    told = capsys.readouterr().out
    assert "* Keep step 30" in told
    assert "1 of 3 checkpoints is broken" in told
    assert "\x1b" not in told
    found = answer(capsys, str(run))
    assert found["keep"] == {"step": 30, "reasons": found["keep"]["reasons"]}  # type: ignore[index]
    assert [one["since_first"] is None for one in found["checkpoints"]] == [True, False, False]  # type: ignore[attr-defined]


def test_the_final_model_of_a_run_is_a_row_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = weights()
    last = trained(first)
    checkpoint(tmp_path, 10, first)
    checkpoint(tmp_path, 20, last)
    assert "final model" not in answered(capsys, str(tmp_path))
    tensors_file(tmp_path / "model.safetensors", last)
    told = answered(capsys, str(tmp_path))
    assert "2 checkpoints and the final model" in told
    row = next(line.split() for line in told.splitlines() if line.startswith("  final"))
    assert row[row.index("1.00") + 1 :][:2] == ["0", "%"], "the newest checkpoint once more"
    found = answer(capsys, str(tmp_path))
    assert found["keep"]["step"] == 20  # type: ignore[index]
    assert found["final"]["since_previous"]["relative"] == 0  # type: ignore[index]
    assert found["final"]["issues"] == []  # type: ignore[index]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_run_fits_the_terminal(
    run: Path, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    table = answered(capsys, str(run)).partition("* Keep")[0].splitlines()[2:]
    assert max(map(len, table)) <= width
    assert ("ckpt-nonfinite" in "".join(table)) is (width == 200)


def test_reward_and_kl_are_told_beside_the_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"step": step, "reward": 0.5, "kl": step / 100, "loss": 0.0} for step in range(1, 31)]
    first = weights()
    for step in (10, 20, 30):
        folder = checkpoint(tmp_path, step, trained(first, step, step * 1e-4))
        state = {"global_step": step, "max_steps": 30, "logging_steps": 1, "log_history": rows[:step]}
        (folder / "trainer_state.json").write_text(json.dumps(state))
    found = answer(capsys, str(tmp_path))
    assert [one["reward"] for one in found["checkpoints"]] == [0.5] * 3  # type: ignore[attr-defined]
    assert found["keep"]["step"] == 10, "the same reward for less KL"  # type: ignore[index]


def test_the_threshold_decides_the_exit_code(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint(run, 20, {**weights(), "model.norm.weight": np.full(32, 1.5, np.float32)})
    assert main(["checkpoints", str(run)]) == 0
    assert main(["checkpoints", str(run), "--fail-on", "warning"]) == 1
    capsys.readouterr()


def test_record_writes_into_the_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoints", "--record", str(run)]) == 1
    assert "3 checkpoints recorded" in capsys.readouterr().out
    assert main(["checkpoints", "--record", str(run)]) == 0
    assert "Nothing new" in capsys.readouterr().out
    assert main(["check", str(run)]) == 1
    assert "ckpt-nonfinite" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [[], ["no/such"], ["--record", "no/such"], [__file__], [".", "--address", "h:1"]],
    ids=["nothing", "missing", "no run", "no checkpoint", "address without ray"],
)
def test_an_error_is_one_sentence_and_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoints", *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.strip().splitlines()) == 2


def test_a_hostile_name_steers_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = {"model.layers.0.\x1b[31mred\r\n.weight": np.full((4, 4), np.nan, np.float32)}
    main(["checkpoints", str(checkpoint(tmp_path, 10, content))])
    assert "\x1b" not in capsys.readouterr().out
