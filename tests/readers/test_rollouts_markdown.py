"""Rollouts in a Markdown page."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from rldk_tui.events import Completions
from rldk_tui.readers import HEAD
from rldk_tui.readers.rollouts_markdown import FORMAT
from tests.contracts.test_readers import FIXTURES

PAGE = (FIXTURES / "rollouts-in-markdown" / "rollout_results.md").read_bytes()
PATH = PurePath("rollout_results.md")


def read(page: bytes) -> list[Completions]:
    decoder = FORMAT.decoder(PATH)
    return [event for event in (*decoder.feed(page), *decoder.flush()) if isinstance(event, Completions)]


def test_every_step_with_its_samples() -> None:
    events = read(PAGE)
    assert [(event.step, len(event.rows)) for event in events] == [(0, 2), (1, 2), (2, 2)]
    row = events[0].rows[0]
    assert row.prompt.endswith("A: 1 or B: 2?")
    assert row.completion == "<think> I count 1 pens.\nOne lies behind the cup. </think> Answer: A"
    assert row.rewards == {"accuracy": 1.0, "format": 1.0}
    assert row.total_reward == 2.0


def test_a_page_that_is_being_written_is_told_as_far_as_its_samples_are_whole() -> None:
    cut = PAGE[: PAGE.rindex(b"**Rewards:**")]
    assert [len(event.rows) for event in read(cut)] == [2, 2, 1]


def test_a_page_of_steps_without_texts_is_not_claimed() -> None:
    page = b"## === Rollout Step 1 ===\n\n#### Sample 1\n" + b"| Early | 9.676 |\n" * 300
    assert not FORMAT.claims(PATH, page[:HEAD])
    assert FORMAT.claims(PATH, page[:60])


@pytest.mark.parametrize("page", [b"", b"# A readme\n\n### Sample 1\n**Prompt:** x\n", b"**Completion:** alone\n" * 9])
def test_other_pages_tell_nothing_and_are_not_claimed(page: bytes) -> None:
    assert not FORMAT.claims(PATH, page)
    assert not read(page)


def test_prompts_that_are_cut_are_the_same_within_a_rollout_only() -> None:
    sample = "### Sample 1\n**Prompt:** system You are\u2026\n**Completion:** A\n**Rewards:** a=1\n"
    page = "".join(f"## === Rollout Step {number} ===\n{sample}{sample}" for number in (1, 2)).encode()
    prompts = [row.prompt for event in read(page) for row in event.rows]
    assert (len(prompts), len(set(prompts)), prompts[0] == prompts[1]) == (4, 2, True)


def test_odd_sections() -> None:
    page = b"## === Rollout Step 7 ===\n### Sample 1\n**Completion:** x\n**Rewards:** a=nan, b=none, total=1\n"
    (event,) = read(page)
    assert event.step == 6
    assert event.rows[0].rewards["b"] is None
    assert event.rows[0].prompt == ""
