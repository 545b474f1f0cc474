"""Captured consoles: rows between bars, colours and everything else."""

from __future__ import annotations

import math
from pathlib import Path, PurePath

import pytest

from rldk_tui.events import Metrics, Phase, ReadProblem, RunDescribed, RunStarted
from rldk_tui.readers import Read
from rldk_tui.readers.console import STEPS_A_ROW, ConsoleDecoder

FIXTURES = Path(__file__).parent / "fixtures"


def read(text: str | bytes) -> list[Read]:
    decoder = ConsoleDecoder(PurePath("train.log"))
    return [*decoder.feed(text if isinstance(text, bytes) else text.encode()), *decoder.flush()]


def rows(reads: list[Read], phase: Phase = Phase.TRAIN) -> list[Metrics]:
    return [event for event in reads if isinstance(event, Metrics) and event.phase is phase]


def steps(reads: list[Read]) -> list[int]:
    """The steps as the store reckons them: a numbered row is so many steps from the last."""
    apart = next((read.config[STEPS_A_ROW] for read in reversed(reads) if isinstance(read, RunDescribed) and read.config), 1)
    return [row.step * apart if row.counted else row.step for row in rows(reads)]


def bar(at: int, total: int = 200) -> str:
    return f"\r{100 * at // total:3d}%|███▎      | {at}/{total} [00:{at % 60:02d}<01:00,  1.5s/it]"


def row(number: int) -> str:
    return f"{{'loss': '{number / 10:.4g}', 'grad_norm': '0.5', 'epoch': '{number / 100:.4g}'}}\n"


def test_a_real_training_gives_every_row_its_step() -> None:
    reads = read((FIXTURES / "console-of-trl" / "train.log").read_bytes())
    assert steps(reads) == list(range(1, 21))
    assert rows(reads)[-1].values["learning_rate"] == 2.5e-05
    assert rows(reads, Phase.FINAL)[0].values["train_loss"] == 2.787
    assert any(isinstance(event, RunDescribed) and event.max_steps == 20 for event in reads)


def test_deepspeed_chat_tells_its_steps_and_a_reward_that_follows_belongs_to_the_last() -> None:
    reads = read((FIXTURES / "console-of-deepspeed-chat" / "training.log").read_bytes())
    losses = {event.step: event.values["act_loss"] for event in rows(reads) if "act_loss" in event.values}
    rewards = {event.step: event.values["reward"] for event in rows(reads) if "reward" in event.values}
    assert sorted(losses) == list(range(49))
    assert set(rewards) <= set(losses)
    assert not any(isinstance(event, ReadProblem) for event in reads)


def test_rows_that_come_one_by_one_stand_where_the_bar_stands() -> None:
    text = "".join(bar(at) + ("\n" + row(at) if at % 10 == 0 and at else "") for at in range(51))
    reads = read(text)
    assert steps(reads) == [10, 20, 30, 40, 50]
    assert sum(isinstance(event, ReadProblem) for event in reads) == 1


def test_rows_that_come_in_bursts_are_logging_steps_apart() -> None:
    burst = "".join(bar(at) for at in range(44)) + "\n" + "".join(row(number) for number in range(1, 9))
    rest = "".join(bar(at) for at in range(44, 84)) + "\n" + "".join(row(number) for number in range(9, 17))
    assert steps(read(burst + rest)) == [5 * number for number in range(1, 17)]


def test_rows_behind_a_finished_bar_share_its_steps() -> None:
    text = "".join(bar(at) for at in range(201)) + "\n" + "".join(row(number) for number in range(1, 41))
    assert steps(read(text)) == [5 * number for number in range(1, 41)]


def test_settings_that_are_printed_tell_how_far_rows_are_apart() -> None:
    assert steps(read("--logging_steps 25 --lr 1\n" + row(1) + row(2))) == [25, 50]


def test_an_evaluations_bar_and_row_do_not_move_the_training() -> None:
    text = bar(10) + "\n" + row(10) + bar(3, 7) + bar(7, 7) + "\n{'eval_loss': 1.5, 'epoch': 0.1}\n" + bar(20) + "\n" + row(20)
    reads = read(text)
    assert steps(reads) == [10, 20]
    assert [event.values for event in rows(reads, Phase.EVAL)] == [{"loss": 1.5}]


@pytest.mark.parametrize("again", [bar(0) + bar(1) + "\n", "{'train_runtime': 9.0, 'epoch': 0.2}\n", ""])
def test_a_training_that_begins_anew_in_the_same_console_is_another(again: str) -> None:
    first = bar(1) + "\n" + row(1) + bar(2) + "\n" + row(2)
    reads = read(first + again + (bar(1) if "%" not in again else "") + "\n" + row(1))
    assert sum(isinstance(event, RunStarted) for event in reads) == 1


def test_other_trainers_lines_are_read() -> None:
    verl = (
        "\x1b[36m(TaskRunner pid=1)\x1b[0m step:3 - actor/pg_loss:np.float64(0.25) - actor/lr:1e-06 - critic/score/mean:0.5\n"
    )
    openrlhf = "INFO ✨ Global step 12: {'policy_loss': 0.1, 'kl': tensor(0.02, device='cuda:0'), 'reward': nan}\n"
    postfix = "Train epoch [1/1]:  10%|#         | 20/100 [00:05<00:45,  2.0it/s, pg=0.01, kl=0.002, act_lr=1e-6]\n"
    keras = "Epoch 1/60\n   10/10 [====] - ETA: 0s - loss: 0.9\n10/10 [====] - 4s 4ms/step - loss: 0.5 - val_loss: 0.6\n"
    found = {event.step: event.values for event in rows(read(verl + openrlhf + postfix))}
    assert found[3] == {"actor/pg_loss": 0.25, "actor/lr": 1e-06, "critic/score/mean": 0.5}
    assert found[12]["kl"] == 0.02
    assert math.isnan(found[12]["reward"] or 0.0)
    assert found[20] == {"pg": 0.01, "kl": 0.002, "act_lr": 1e-06}
    assert [(event.step, event.values) for event in rows(read(keras))] == [(1, {"loss": 0.5})]


def test_a_dict_that_a_message_quotes_is_no_row() -> None:
    assert (
        rows(read("bad {'step': 0, 'agent': 'x', 'strike': 'N/A', 'type': 'N/A', 'reward': -0.67} is not assignable\n")) == []
    )


def test_colours_and_boxes_between_the_numbers_are_passed_over() -> None:
    assert rows(read("\x1b[2K\x1b[32m🔥 ╭──╮ {'loss': '0.5', 'epoch': '0.1'}\x1b[0m\n"))[0].values["loss"] == 0.5


@pytest.mark.parametrize(
    "line",
    [
        " " * 100_000 + "5%|",
        "a " * 50_000 + " 5%|",
        "5%|" + "█" * 100_000,
        " 5%| | 1/2 [" + "a=" * 50_000,
        "{'" * 50_000,
        "{'loss': 0.5, " + "'a'" * 30_000 + "}",
        "step:1 - a:1 - " + "a" * 100_000,
        "|step: 1|" + "|a " * 30_000,
        "1/1 [=] - 1" + " - a: 1" * 15_000 + "x",
        "\x1b]" + "a" * 100_000,
    ],
    ids=range(10),
)
def test_a_hostile_line_is_passed_over(line: str) -> None:
    """A pattern that goes back and forth over it would not end within anybody's patience."""
    reads = read(line + "\n{'loss': 0.5, 'epoch': 0.1}\n")
    assert any(event.values.get("loss") == 0.5 for event in rows(reads))
