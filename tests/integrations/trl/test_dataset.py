"""What is wrong with the data, told before the training has spent much on it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rldk_tui.events import Algorithm, ExtractionError, ExtractionKind
from rldk_tui.integrations.trl.data_checks import prompt_column, prompt_key, share_cut, share_desirable, share_identical
from rldk_tui.integrations.trl.dataset import DataAudit
from rldk_tui.session import RunSession
from sample_runs.tiny_models import Models
from tests.integrations.trl.conftest import log_of
from tests.integrations.trl.watched import Watched, measured, named, trainer_of

datasets = pytest.importorskip("datasets")


def audited(run: Path, algorithm: Algorithm, train: Any, evaluation: Any = None, **args: Any) -> Any:
    """The log after an audit of these datasets was waited for."""
    part = DataAudit()
    seen: dict[str, Any] = {
        "args": SimpleNamespace(**args),
        "trainer": SimpleNamespace(train_dataset=train, eval_dataset=evaluation),
    }
    Watched(run, part, algorithm=algorithm, **seen)
    part.ended(0)
    return log_of(run)


def pairs(*lengths: tuple[int, int, int], differ_at: int = 0) -> Any:
    """Pairs of these lengths (prompt, chosen, rejected) whose answers differ from one token on."""
    rows = [
        {"prompt_ids": [1] * prompt, "chosen_ids": [2] * chosen, "rejected_ids": [2] * differ_at + [3] * (rejected - differ_at)}
        for prompt, chosen, rejected in lengths
    ]
    return datasets.Dataset.from_list(rows)


def test_a_pair_is_cut_if_one_of_its_sides_is_too_long(tmp_path: Path) -> None:
    log = audited(tmp_path, Algorithm.DPO, pairs((2, 6, 3), (2, 3, 7), (2, 2, 2), (2, 6, 6)), max_length=8)
    assert measured(log, "hook/data_truncated") == {0: 0.25}
    assert named(log, "hook/data_truncated") == {0: ("row 1",)}
    assert measured(log, "hook/data_identical_pairs") == {0: 0.0}


@pytest.mark.parametrize(("mode", "share"), [("keep_start", 1.0), ("keep_end", 0.0)])
def test_answers_that_differ_beyond_the_cut_alone_are_identical(tmp_path: Path, mode: str, share: float) -> None:
    long = pairs((2, 9, 9), (2, 9, 9), differ_at=6)
    log = audited(tmp_path, Algorithm.DPO, long, max_length=8, truncation_mode=mode)
    assert measured(log, "hook/data_identical_pairs") == {0: share}


def test_reward_training_leaves_long_pairs_out_so_nothing_of_it_was_cut(tmp_path: Path) -> None:
    same = datasets.Dataset.from_dict({"chosen_ids": [[1, 2], [1]], "rejected_ids": [[1, 2], [2]]})
    log = audited(tmp_path, Algorithm.REWARD, same, max_length=8)
    assert measured(log, "hook/data_identical_pairs") == {0: 0.5}
    assert measured(log, "hook/data_truncated") == {}


@pytest.mark.parametrize(
    ("settings", "share"),
    [
        ({"max_length": 4}, 0.5),
        ({"max_length": None}, 0.0),
        ({"max_length": 4, "packing": True}, None),
        ({"max_length": 4, "dataset_kwargs": {"skip_prepare_dataset": True}}, None),
    ],
)
def test_supervised_examples_were_cut_while_they_were_prepared(settings: dict[str, Any], share: float | None) -> None:
    examples = [(0, {"input_ids": [1, 2, 3, 4]}), (1, {"input_ids": [1, 2, 3]})]
    found = share_cut(examples, Algorithm.SFT, SimpleNamespace(**settings))
    assert (found and found[0]) == share


def test_what_a_trainer_does_not_have_is_not_measured() -> None:
    examples = [(0, {"input_ids": [1]})]
    for algorithm in (Algorithm.GRPO, Algorithm.DPO, Algorithm.KTO, None):
        assert share_cut(examples, algorithm, SimpleNamespace(max_length=4)) is None
        assert share_identical(examples, algorithm, SimpleNamespace(max_length=4)) is None
    assert share_cut([], Algorithm.SFT, SimpleNamespace(max_length=4)) is None
    assert share_desirable([]) is None


def test_labels_are_counted_in_kto(tmp_path: Path) -> None:
    labels = datasets.Dataset.from_dict({"label": [True] * 30 + [False] * 10, "prompt": ["a"] * 40})
    assert measured(audited(tmp_path, Algorithm.KTO, labels), "hook/data_desirable") == {0: 0.75}


def test_prompts_are_the_same_without_case_and_spaces_and_without_the_answer() -> None:
    asked = [{"role": "user", "content": "How  far?"}]
    assert prompt_key("How far?") == prompt_key("  how\nFAR? ") == prompt_key(asked)
    assert prompt_key([*asked, {"role": "assistant", "content": "Far."}]) == prompt_key(asked)
    assert prompt_key([{"role": "user", "content": [{"type": "text", "text": "how far?"}]}]) == prompt_key(asked)
    assert prompt_key("How far") != prompt_key("How far?")
    assert prompt_key([1, 2]) != prompt_key([2, 1])
    assert prompt_column([["text", "prompt"], ["prompt"]]) == "prompt"
    assert prompt_column([["text"], ["other"]]) is None


def test_evaluation_prompts_that_are_taught_are_named_over_all_evaluation_sets(tmp_path: Path) -> None:
    train = datasets.Dataset.from_dict({"prompt": [f"Question {index}" for index in range(2500)]})
    own = datasets.Dataset.from_dict({"prompt": ["Something else", "question 7", "Another", "More"]})
    log = audited(tmp_path, Algorithm.GRPO, train, {"a": own, "b": own.select([0])})
    assert measured(log, "hook/eval_overlap") == {0: 0.2}
    assert named(log, "hook/eval_overlap") == {0: ("row 1",)}


def test_streamed_data_is_left_alone_and_said_to_be(tmp_path: Path) -> None:
    stream = datasets.Dataset.from_dict({"input_ids": [[1]]}).to_iterable_dataset()
    log = audited(tmp_path, Algorithm.SFT, stream, max_length=4)
    assert [error.kind for error in log.of(ExtractionError)] == [ExtractionKind.UNAVAILABLE]
    assert measured(log, "hook/data_truncated") == {}


def test_the_users_own_transform_is_not_run(tmp_path: Path) -> None:
    def forbidden(_rows: Any) -> Any:
        raise AssertionError("this is the training's to run")

    rows = datasets.Dataset.from_dict({"input_ids": [[1] * 4, [1]]})
    rows.set_transform(forbidden)
    assert measured(audited(tmp_path, Algorithm.SFT, rows, max_length=4), "hook/data_truncated") == {0: 0.5}
    assert rows.format["type"] == "custom"


@pytest.mark.train
def test_a_real_training_tells_of_its_data_before_its_end(models: Models, tmp_path: Path) -> None:
    pytest.importorskip("trl")
    from rldk_tui.integrations.trl import RLDKCallback

    trainer = trainer_of(Algorithm.DPO, models, tmp_path, 3, max_length=6)
    trainer.eval_dataset = trainer.train_dataset.select(range(8))
    trainer.args.eval_strategy, trainer.args.eval_steps = "steps", 100
    RLDKCallback().attach(trainer)
    trainer.train()
    log = log_of(tmp_path)
    assert (measured(log, "hook/data_truncated")[0] or 0.0) > 0.25
    assert measured(log, "hook/eval_overlap") == {0: 1.0}
    rules = {finding.rule for finding in RunSession(tmp_path).poll().findings}
    assert {"data-truncation", "eval-train-overlap"} <= rules
