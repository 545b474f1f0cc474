"""The generations of real trainings: what the trainer sampled, scored and thought of it, and nothing of it changed."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rldk_tui.events import Algorithm, Completions, ExtractionError, Measured, Metrics, Origin, Phase, RunDescribed
from rldk_tui.readers import completions_parquet
from rldk_tui.run import RunStore
from sample_runs.tiny_language import prompts, topic_reward
from sample_runs.tiny_models import Models
from sample_runs.trainings import common_arguments
from tests.builders import OURS, snapshot_of
from tests.integrations.trl.conftest import EventLog, log_of
from tests.integrations.trl.trainers import TRAINERS

pytestmark = pytest.mark.train
pytest.importorskip("trl")

STEPS = 4
PARQUET = Origin(source="completions/x.parquet", format="TRL completions", authority=completions_parquet.FORMAT.authority)


def callback(**named: Any) -> Any:
    from rldk_tui.integrations.trl import RLDKCallback

    return RLDKCallback(**named)


def arguments(run: Path, **more: Any) -> dict[str, Any]:
    small = {"per_device_train_batch_size": 8, "num_generations": 4, "max_completion_length": 8, "save_strategy": "no"}
    return {**common_arguments(str(run), STEPS), **small, "num_completions_to_print": 0, **more}


def group_trainer(models: Models, kind: str, functions: Any, given: dict[str, Any], watcher: Any, **data: Any) -> Any:
    """A GRPO or RLOO trainer that has not trained yet."""
    import trl
    from datasets import Dataset

    return getattr(trl, f"{kind}Trainer")(
        model=models.policy(),
        reward_funcs=functions,
        args=getattr(trl, f"{kind}Config")(**given),
        train_dataset=Dataset.from_dict(data.get("train") or {"prompt": prompts(1, 32)}),
        eval_dataset=Dataset.from_dict(data["eval"]) if "eval" in data else None,
        processing_class=data.get("tokenizer") or models.tokenizer(),
        callbacks=[watcher] if watcher else [],
    )


@contextlib.contextmanager
def attached(watcher: Any) -> Iterator[None]:
    """Every trainer of the Hugging Face kind that starts is given to the callback before."""
    import transformers

    kinds = [transformers.Trainer]
    with contextlib.suppress(ImportError):
        from trl.experimental.ppo import PPOTrainer

        kinds.append(PPOTrainer)

    def attaching(train: Callable[..., Any]) -> Callable[..., Any]:
        def begun(trainer: Any, *some: Any, **named: Any) -> Any:
            watcher.attach(trainer)
            return train(trainer, *some, **named)

        begun.__wrapped__ = train  # type: ignore[attr-defined]
        return begun

    with pytest.MonkeyPatch.context() as patch:
        for kind in kinds:
            patch.setattr(kind, "train", attaching(kind.train))
        yield


def recorded(log: EventLog, phase: Phase = Phase.TRAIN) -> dict[int, Completions]:
    return {event.step: event for event in log.of(Completions) if event.phase is phase}


def tables(run: Path) -> dict[int, Completions]:
    """What TRL's own files hold."""
    files = sorted((run / "completions").glob("*.parquet"))
    events = [event for file in files for event in completions_parquet.read(file, file)]
    return {event.step: event for event in events if isinstance(event, Completions)}


def said(event: Completions, *, advantage: bool = True) -> list[Any]:
    """Rows as far as TRL's table tells them, NaN and None alike."""
    known = [
        (name, None if value is None or math.isnan(value) else pytest.approx(value))
        for row in event.rows
        for name, value in sorted(row.rewards.items())
    ]
    return [(row.prompt, row.completion, row.advantage if advantage else None) for row in event.rows] + known


def unwell(log: EventLog) -> list[str]:
    return [
        event.message for event in log.of(ExtractionError) if "generation" in event.message or "reward func" in event.message
    ]


def picky(completions: list[str], **_: Any) -> list[float | None]:
    return [None if len(text) % 2 else len(text) / 10 for text in completions]


async def patient(completions: list[str], **_: Any) -> list[float]:
    return [float(len(text.split())) for text in completions]


@pytest.mark.parametrize("kind", ["GRPO", "RLOO"])
def test_what_an_attached_trainer_keeps_is_recorded_as_its_own_table_tells_it(
    kind: str, models: Models, tmp_path: Path
) -> None:
    watcher = callback()
    trainer = group_trainer(models, kind, [topic_reward, picky], arguments(tmp_path, log_completions=True), watcher)
    watcher.attach(trainer)
    trainer.train()
    log = log_of(tmp_path)
    ours = recorded(log)
    assert sorted(ours) == [1, 2, 3, 4]
    if kind == "GRPO":  # RLOO has the option and writes no table
        theirs = tables(tmp_path)
        assert [said(ours[step]) for step in ours] == [said(theirs[step]) for step in theirs]
    rows = {step: event.rows for step, event in ours.items()}
    assert {step: sum(row.length or 0 for row in some) / 8 for step, some in rows.items()} == log.values(
        "completions/mean_length"
    )
    assert {step: sum(row.truncated is True for row in some) / 8 for step, some in rows.items()} == log.values(
        "completions/clipped_ratio"
    )
    paid = {step: sum(row.rewards["topic_reward"] or 0.0 for row in some) / 8 for step, some in rows.items()}
    assert paid == pytest.approx(log.values("rewards/topic_reward/mean"), abs=1e-6)
    assert all(row.advantage is not None for some in rows.values() for row in some)
    assert unwell(log) == []
    assert "_generate" not in vars(trainer)
    (described,) = log.of(RunDescribed)
    assert described.config == {
        "pad_token_id": 0,
        "eos_token_id": 1,
        "reward_funcs": ["topic_reward", "picky"],
        "reward_weights": [1.0, 1.0],
    }


def test_an_evaluation_takes_nothing_from_the_training_rows_of_its_step(models: Models, tmp_path: Path) -> None:
    watcher = callback()
    given = arguments(tmp_path, log_completions=True, eval_strategy="steps", eval_steps=2, per_device_eval_batch_size=4)
    trainer = group_trainer(models, "GRPO", topic_reward, given, watcher, eval={"prompt": ["name name name :"]})
    watcher.attach(trainer)
    trainer.train()
    log = log_of(tmp_path)
    trained, evaluated = recorded(log), recorded(log, Phase.EVAL)
    assert (sorted(trained), sorted(evaluated)) == ([1, 2, 3, 4], [2, 4])
    assert {len(event.rows) for event in evaluated.values()} == {4}
    asked = [
        {row.prompt == "name name name :" for event in some.values() for row in event.rows} for some in (trained, evaluated)
    ]
    assert asked == [{False}, {True}]
    for readings in (
        [(log.events, OURS), (tables(tmp_path).values(), PARQUET)],
        [(tables(tmp_path).values(), PARQUET), (log.events, OURS)],
    ):
        store = RunStore("run")
        for events, origin in readings:
            for event in events:
                store.add(event, origin)
        shown = {event.step: event for event in snapshot_of(store).completions if event.phase is Phase.TRAIN}
        assert {step: said(event) for step, event in shown.items()} == {step: said(event) for step, event in trained.items()}


def test_wrapped_functions_of_one_trainer_give_one_row_with_several_rewards(models: Models, tmp_path: Path) -> None:
    from rldk_tui.integrations.trl import wrap_reward

    functions = [wrap_reward(function) for function in (topic_reward, patient, picky)]
    given = arguments(tmp_path, log_completions=True, eval_strategy="steps", eval_steps=2, per_device_eval_batch_size=4)
    trainer = group_trainer(models, "GRPO", functions, given, callback(), eval={"prompt": ["name small city :"] * 2})
    trainer.train()
    log = log_of(tmp_path)
    trained, theirs = recorded(log), tables(tmp_path)
    odd = [step for step in theirs if step % 2]
    assert odd == [1, 3]
    assert [said(trained[step], advantage=False) for step in odd] == [said(theirs[step], advantage=False) for step in odd]
    assert {frozenset(row.rewards) for row in trained[1].rows} == {frozenset({"topic_reward", "patient", "picky"})}
    assert None in [row.rewards["picky"] for event in trained.values() for row in event.rows]
    assert {step: len(event.rows) for step, event in recorded(log, Phase.EVAL).items()} == {2: 8, 4: 8}
    assert all(row.length and row.truncated is not None for event in trained.values() for row in event.rows)
    assert "rewards/patient/mean" in log.of(Metrics)[0].values
    assert unwell(log) == []


def test_a_conversation_is_recorded_readably(models: Models, tmp_path: Path) -> None:
    tokenizer = models.tokenizer()
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
    talks = {"prompt": [[{"role": "user", "content": text}] for text in prompts(1, 32)]}
    from rldk_tui.integrations.trl import wrap_reward

    def polite(completions: list[Any], **_: Any) -> list[float]:
        return [float(len(turns[0]["content"])) for turns in completions]

    trainer = group_trainer(
        models, "GRPO", wrap_reward(polite), arguments(tmp_path), callback(), train=talks, tokenizer=tokenizer
    )
    trainer.train()
    row = recorded(log_of(tmp_path))[1].rows[0]
    assert re.fullmatch(r"user: [a-z ]+ :", row.prompt)
    assert row.completion.startswith("assistant: ")


@pytest.mark.parametrize("wrapped", [False, True], ids=["attached", "wrapped"])
def test_without_text_no_word_of_it_is_in_the_log_and_the_numbers_are(wrapped: bool, models: Models, tmp_path: Path) -> None:
    from rldk_tui.integrations.trl import wrap_reward

    heard: list[str] = []

    def paid(prompts: list[str], completions: list[str], **_: Any) -> list[float | None]:
        heard.extend([*prompts, *completions])
        return topic_reward(prompts, completions)

    watcher = callback(record_text=False)
    function = wrap_reward(paid) if wrapped else paid
    trainer = group_trainer(models, "GRPO", function, arguments(tmp_path), watcher)
    if not wrapped:
        watcher.attach(trainer)
    trainer.train()
    log = log_of(tmp_path)
    events = recorded(log)
    phrases = {line for line in heard if len(line.split()) > 1}
    words = {word for line in heard for word in line.split() if len(word) > 2}
    assert len(words) > 30
    assert [phrase for phrase in phrases if phrase in log.path.read_text()] == []
    lines = [line for line in log.path.read_text().splitlines() if line.startswith('{"type":"completions"')]
    assert [word for word in words for line in lines if re.search(rf"\b{word}\b", line)] == []
    assert all(event.without_text for event in events.values())
    rows = [row for event in events.values() for row in event.rows]
    assert all(row.length and row.rewards["paid"] is not None for row in rows)
    assert all(re.fullmatch(r"#[0-9a-f]{16}", mark) for row in rows for mark in (row.prompt, row.completion))
    assert [len({row.prompt for row in event.rows}) for event in events.values()] == [2] * STEPS


def test_ppo_is_recorded_with_the_score_of_its_reward_model(models: Models, tmp_path: Path) -> None:
    pytest.importorskip("trl.experimental.ppo", reason="this trl has no PPO")
    from trl.experimental.ppo import ppo_trainer

    get_reward = ppo_trainer.get_reward
    watcher = callback()
    # twice as many rollouts as are scored at once, and samples that are scored for show
    given = {"local_rollout_forward_batch_size": 8, "num_sample_generations": 2, "save_strategy": "no"}
    with attached(watcher):
        TRAINERS[Algorithm.PPO](models, {**common_arguments(str(tmp_path), STEPS), **given}, [watcher])
    log = log_of(tmp_path)
    events = recorded(log)
    assert {step: len(event.rows) for step, event in events.items()} == dict.fromkeys(range(1, STEPS + 1), 16)
    means = {step: sum(sum(filter(None, row.rewards.values())) for row in event.rows) / 16 for step, event in events.items()}
    assert means == pytest.approx(log.values("objective/scores"), abs=1e-5)
    rows = [row for event in events.values() for row in event.rows]
    assert {row.truncated for row in rows} == {True, False}
    assert all(row.length is not None and row.length <= 8 for row in rows)
    assert all("<pad>" not in row.prompt + row.completion for row in rows)
    assert ppo_trainer.get_reward is get_reward
    assert unwell(log) == []


def _bits(trainer: Any) -> list[str]:
    weights = [float(parameter.detach().double().sum()).hex() for parameter in trainer.model.parameters()]
    losses = [float(entry["loss"]).hex() for entry in trainer.state.log_history if "loss" in entry]
    return losses + weights


@pytest.mark.parametrize("algorithm", [Algorithm.GRPO, Algorithm.RLOO, Algorithm.PPO], ids=str)
def test_a_training_that_is_recorded_and_profiled_is_the_same_to_the_bit(
    algorithm: Algorithm, models: Models, tmp_path: Path
) -> None:
    import numpy as np

    runs = []
    for watched in (False, True):
        np.random.seed(1)  # PPO shuffles by NumPy's own generator
        watcher = callback(profile=True)
        given = {**common_arguments(str(tmp_path / str(watched)), STEPS), "save_strategy": "no"}
        with attached(watcher) if watched else contextlib.nullcontext():
            runs.append(TRAINERS[algorithm](models, given, []))
    assert len(recorded(log_of(tmp_path / "True"))) == STEPS
    assert _bits(runs[0]) == _bits(runs[1])


def test_generations_of_a_run_are_spread_over_it_when_the_disk_budget_is_small(models: Models, tmp_path: Path) -> None:
    watcher = callback(completions_megabytes=0.006)
    trainer = group_trainer(models, "GRPO", topic_reward, arguments(tmp_path, max_steps=24), watcher)
    watcher.attach(trainer)
    trainer.train()
    log = log_of(tmp_path)
    kept = sorted(recorded(log))
    size = sum(len(line) for line in log.path.read_bytes().splitlines() if line.startswith(b'{"type":"completions"'))
    assert size <= 6000
    assert 2 <= len(kept) <= 5
    assert kept[-1] > 12
    assert len([text for text in unwell(log) if "every" in text]) == 1


def test_nothing_is_recorded_where_nothing_is_sampled_or_asked_for(models: Models, tmp_path: Path) -> None:
    for name, algorithm, watcher in (
        ("sft", Algorithm.SFT, callback()),
        ("off", Algorithm.GRPO, callback(completions_every=0)),
    ):
        given = {**common_arguments(str(tmp_path / name), 2), "save_strategy": "no"}
        with attached(watcher):
            TRAINERS[algorithm](models, given, [])
        assert log_of(tmp_path / name).of(Completions) == []
    assert any("hook/samples_per_second" in event.values for event in log_of(tmp_path / "sft").of(Measured))
