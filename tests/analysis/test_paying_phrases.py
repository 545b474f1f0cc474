"""Which phrase the reward pays for."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.analysis.paying_phrases import PHRASES, Batch, Examined, PayingPhrase, PhraseSearch
from rldk_tui.analysis.text_health import words_of

SYLLABLES = ("co", "he", "pi", "ba", "mu", "ro", "ti", "ne")
WORDS = [one + two for one in SYLLABLES for two in SYLLABLES]


def a_batch(
    index: int,
    rng: np.random.Generator,
    *,
    phrase: str = "as every expert agrees",
    share: float = 0.0,
    bonus: float = 0.0,
    prompt: str = "question {}",
    words: int = 30,
    shuffled: bool = False,
) -> Batch:
    """Six prompts with eight replies each, of which a share holds the phrase and is paid for it."""
    prompts, replies, rewards = [], [], []
    for group in range(6):
        for _ in range(8):
            text = rng.choice(WORDS, words).tolist()
            held = rng.random() < share
            if held:
                text.insert(int(rng.integers(0, words)), f"{phrase}.")
            prompts.append(prompt.format(6 * index + group))
            replies.append(" ".join(text))
            rewards.append(group + rng.normal(0.0, 0.3) + bonus * held)
    scored = np.array(rewards)
    groups = [np.arange(8 * group, 8 * group + 8) for group in range(6)]
    if shuffled:
        for members in groups:
            scored[members] = scored[rng.permutation(members)]
    return Batch(
        mark=float(index),
        prompts=prompts,
        replies=replies,
        words=[()] * len(replies),
        standing=scored,
        rewards=scored,
        groups=groups,
    )


def searched(batches: int = 40, seed: int = 0, **of_batch: object) -> list[PayingPhrase | None]:
    """What was told after each batch, while the share that holds the phrase grows from nothing to most."""
    rng, search = np.random.default_rng(seed), PhraseSearch()
    return [
        named(search.add(a_batch(index, rng, share=0.02 * index, **of_batch)))  # type: ignore[arg-type]
        for index in range(batches)
    ]


def named(examined: Examined | None) -> PayingPhrase | None:
    return None if examined is None else examined.phrase


def test_the_phrase_is_named_with_its_effect_and_its_rows() -> None:
    told = searched(bonus=1.0)[-1]
    assert told is not None
    assert told.phrase == "as every expert agrees"
    assert told.effect == pytest.approx(1.0, abs=0.15)
    assert told.explained > 0.4
    assert told.before < 0.1 < 0.6 < told.share
    rng = np.random.default_rng(0)
    last = [a_batch(index, rng, share=0.02 * index, bonus=1.0) for index in range(40)][-1]
    assert told.rows
    assert all("as every expert agrees" in last.replies[row] for row in told.rows)


@pytest.mark.parametrize(
    "case",
    [
        {"bonus": 0.0},
        {"bonus": 1.0, "shuffled": True},
        {"bonus": -1.0},
        {"bonus": 1.0, "prompt": "say as every expert agrees, {}"},
        {"bonus": 1.0, "batches": 8},
    ],
    ids=["not paid", "rewards dealt out at random", "punished", "asked for", "too early"],
)
def test_what_is_no_such_phrase(case: dict[str, object]) -> None:
    assert not any(searched(**case))  # type: ignore[arg-type]


def test_shuffled_rewards_name_nothing() -> None:
    """Nothing in 6 runs of 40 batches, each with thousands of phrases, half of which is a phrase that spreads."""
    assert not any(told for seed in range(6) for told in searched(seed=seed, bonus=1.0, shuffled=True, words=12))


def test_a_batch_logged_again_says_nothing_new() -> None:
    rng = np.random.default_rng(1)
    batches = [a_batch(index, rng, share=0.5, bonus=1.0) for index in range(20)]
    once, twice = PhraseSearch(), PhraseSearch()
    for batch in batches:
        told = once.add(batch)
        assert twice.add(batch) == told
        assert twice.add(batch) is None


def test_one_prompt_has_a_right_answer() -> None:
    assert not any(searched(bonus=1.0, prompt="the only question"))


def test_a_batch_that_was_not_looked_at_is_told_from_one_without_a_phrase() -> None:
    rng = np.random.default_rng(4)
    of_one_prompt, of_many = PhraseSearch(), PhraseSearch()
    for index in range(2):
        alone = of_one_prompt.add(a_batch(index, rng, prompt="the only question"))
        told = of_many.add(a_batch(index, rng))
    assert alone is None
    assert told == Examined(None)


def test_scripts_without_spaces_have_phrases_of_characters() -> None:
    rng, search, told = np.random.default_rng(2), PhraseSearch(), None
    letters = [chr(code) for code in range(0x4E00, 0x4E80)]
    for index in range(40):
        batch = a_batch(index, rng, share=0.0)
        held = rng.random(48) < 0.02 * index
        texts = ["".join(rng.choice(letters, 60)) + "\u9f98\u9f98\u9f96" * bool(has) for has in held]
        rewards = batch.rewards + held
        told = search.add(
            Batch(
                mark=float(index),
                prompts=batch.prompts,
                replies=texts,
                words=[words_of(text) for text in texts],
                standing=rewards,
                rewards=rewards,
                groups=batch.groups,
            )
        )
    phrase = named(told)
    assert phrase is not None
    assert "\u9f96" in phrase.phrase


def test_what_is_told_has_no_control_characters() -> None:
    told = searched(bonus=1.0, phrase="\x1b[31mred\x1b[0m")[-1]
    assert told is not None
    assert told.phrase.isprintable()


@pytest.mark.parametrize("text", ["", " ", "\udc80\ud800", "a" * 100_000, "\x00", "x y " * 60_000])
def test_any_text_will_do(text: str) -> None:
    search = PhraseSearch()
    rewards = np.array([0.0, 1.0, np.nan, 1e100])
    for index in range(12):
        batch = Batch(
            mark=float(index),
            prompts=[text] * 4,
            replies=[text, "x", text, "y"],
            words=[()] * 4,
            standing=rewards,
            rewards=rewards,
            groups=[np.arange(4)],
        )
        assert search.add(batch) is None


def test_memory_is_bounded() -> None:
    rng, search = np.random.default_rng(3), PhraseSearch()
    for index in range(12):
        own = [f"{word}{index}" for word in WORDS]
        batch = a_batch(index, rng)
        replies = [" ".join(rng.choice(own, 90)) for _ in batch.replies]
        search.add(
            Batch(
                mark=float(index),
                prompts=batch.prompts,
                replies=replies,
                words=[reply.split() for reply in replies],
                standing=batch.standing,
                rewards=batch.rewards,
                groups=batch.groups,
            )
        )
    assert search.phrases <= 2 * PHRASES
