"""What is text and what is not, by the run's own text."""

from __future__ import annotations

import random

import numpy as np
import pytest

from rldk_tui.analysis.gathered import Gathered
from rldk_tui.analysis.gibberish import BATCHES, DISORDER, JUDGES, SHORTEST, TextReference
from rldk_tui.analysis.samples import measure
from rldk_tui.events import Completion, Completions
from tests.conftest import SAMPLE_RUNS

REPOSITORY = SAMPLE_RUNS.parent
PROSE = "\n".join(path.read_text() for path in sorted((REPOSITORY / "docs").glob("*.md")))
CODE = "\n".join(path.read_text() for path in sorted((REPOSITORY / "rldk_tui" / "statistics").glob("*.py")))
LETTERS = "abcdefghijklmnopqrstuvwxyz"
RNG = random.Random(0)


def passages(text: str, count: int, first: float = 0.0, last: float = 1.0) -> list[str]:
    """Stretches of 100 to 600 characters out of one part of a text."""
    low, high = int(first * len(text)), int(last * len(text))
    begins = (RNG.randrange(low, high - 600) for _ in range(count))
    return [text[begin : begin + RNG.randint(100, 600)] for begin in begins]


def reference(text: str) -> TextReference:
    """Made of the first half of a text."""
    learned = TextReference()
    for batch in range(BATCHES):
        learned.add(float(batch), ["Say something.", *passages(text, 2, 0.0, 0.5)], passages(text, 24, 0.0, 0.5))
    return learned


def characters(count: int) -> str:
    return "".join(chr(RNG.randrange(33, 127)) for _ in range(count))


def letters(words: int) -> str:
    return " ".join("".join(RNG.choices(LETTERS, k=RNG.randint(2, 9))) for _ in range(words))


def shuffled(text: str) -> str:
    return "".join(RNG.sample(text, len(text)))


@pytest.mark.parametrize("text", [PROSE, CODE], ids=["prose", "code"])
def test_new_text_is_text_and_random_characters_are_none(text: str) -> None:
    learned = reference(text)
    assert np.nanmax(learned.disorder(passages(text, 300, 0.5, 1.0))) < DISORDER
    for nonsense in (characters(300), letters(60), shuffled(text[-800:])):
        assert learned.disorder([nonsense])[0] > DISORDER


def test_another_subject_is_no_gibberish() -> None:
    assert np.nanmean(reference(PROSE).disorder(passages(CODE, 300)) > DISORDER) < 0.01


def test_a_script_without_spaces() -> None:
    """Chinese by its commonest characters, drawn as they follow each other in a made-up text."""
    rng = np.random.default_rng(0)
    signs = [chr(code) for code in range(0x4E00, 0x4E00 + 400)]
    words = ["".join(rng.choice(signs, rng.integers(1, 4))) for _ in range(800)]
    chance = 1.0 / np.arange(2, 802)
    text = "".join(rng.choice(words, 30_000, p=chance / chance.sum()))
    learned = reference(text)
    assert np.nanmax(learned.disorder(passages(text, 100, 0.5, 1.0))) < DISORDER
    assert learned.disorder([shuffled(text[-500:])])[0] > DISORDER


def test_what_a_run_wrote_from_its_first_step_is_judged_too() -> None:
    learned = TextReference()
    for batch in range(20):
        told = learned.add(float(batch), passages(PROSE, 8), [characters(300) for _ in range(8)])
    assert (told > DISORDER).all()


def test_what_cannot_be_told_is_not() -> None:
    learned = reference(PROSE)
    unknown = ["", "short", "!" * 500, "0123456789" * 40, "\u0416\u0434\u0443\u043b\u044f\u0440" * 30, "a" * SHORTEST]
    assert np.isnan(learned.disorder(unknown)).all()
    assert np.isnan(TextReference().disorder([PROSE[:400]])).all()
    assert learned.disorder([]).shape == (0,)


@pytest.mark.parametrize("text", ["\x00" * 100, "\udc80\ud800" * 60, "a\x00b\x00c" * 40, "x" * 1_000_000, "\u200b\u202e" * 80])
def test_any_text_will_do(text: str) -> None:
    learned = reference(PROSE)
    learned.add(99.0, [text], [text, PROSE[:200]])
    assert learned.disorder([text]).shape == (1,)


def test_the_same_batch_again_is_learned_once() -> None:
    learned = TextReference()
    texts = passages(PROSE, 8)
    learned.add(1.0, [], texts)
    before = learned.learned
    learned.add(1.0, [], texts)
    assert learned.learned == before


def test_a_step_names_the_rows_that_are_no_text() -> None:
    gathered = Gathered()

    def rows(replies: list[str]) -> tuple[Completion, ...]:
        return tuple(Completion(prompt=f"p{at // 4}", completion=reply, rewards={"r": 0.0}) for at, reply in enumerate(replies))

    for step in range(1, 9):
        measure(Completions(time=0.0, step=step, rows=rows(passages(PROSE, 16))), gathered)
    assert gathered.text.learned > JUDGES
    replies = passages(PROSE, 16)
    replies[5] = characters(300)
    told = measure(Completions(time=0.0, step=9, rows=rows(replies)), gathered)
    assert told.values["samples/gibberish"] == pytest.approx(1 / 16)
    assert told.named["samples/gibberish"] == ("9/5",)
