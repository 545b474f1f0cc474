"""What a step's generations measure."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.analysis import with_samples
from rldk_tui.analysis.samples import measure
from rldk_tui.events import Completion, Completions, Measured, Phase
from rldk_tui.metrics.samples import SAMPLES, TO_LOG
from rldk_tui.statistics.rank import spearman_of_each
from tests.builders import OURS

WORDS = [first + second for first in ("co", "he", "pi", "ba", "mu") for second in ("w", "n", "g", "rn", "st")]


def a_log(rows: Sequence[Completion], step: int = 7) -> dict[str, float]:
    values = measure(Completions(time=0.0, step=step, rows=tuple(rows))).values
    return {name: value for name, value in values.items() if value is not None}


def replies(texts: Sequence[str], rewards: Sequence[float | None] | None = None, prompt: str = "a prompt") -> list[Completion]:
    scores = rewards or [None] * len(texts)
    return [Completion(prompt=prompt, completion=text, rewards={"f": score}) for text, score in zip(texts, scores, strict=True)]


def test_every_measure_is_in_the_catalogue() -> None:
    rows = [
        Completion(prompt=f"prompt {index // 8}", completion=" ".join(WORDS[: 3 + index % 8]), rewards={"f": index % 8 * 0.1})
        for index in range(32)
    ]
    values = a_log([msgspec.structs.replace(row, advantage=float(index)) for index, row in enumerate(rows)])
    names = {row.name for row in SAMPLES}
    assert set(values) <= names
    of_others = {row.name for row in SAMPLES if row.to_log != TO_LOG}
    of_several_steps = {name for name in names if name.startswith(("samples/phrase_", "samples/gibberish"))}
    assert names - set(values) - of_others - of_several_steps == {"samples/ref_nll"}


def test_only_the_training_generations_are_measured() -> None:
    rows = tuple(replies(["one", "two"]))
    events = [(Completions(time=0.0, step=1, rows=rows, phase=phase), OURS) for phase in (Phase.TRAIN, Phase.EVAL)]
    assert sum(isinstance(event, Measured) for event, _ in with_samples(events)) == 1


@pytest.mark.parametrize(("texts", "unique"), [(["a", "a", "a"], 0.0), (["a", "b", "a"], 0.5), (["a", "b", "c"], 1.0)])
def test_unique_replies_to_a_prompt(texts: list[str], unique: float) -> None:
    values = a_log([*replies(texts), *replies(["alone"], prompt="another")])
    assert (values["samples/unique_in_group"], values["samples/groups"], values["samples/distinct_prompts"]) == (unique, 1, 2)


def test_likeness_is_of_replies_to_different_prompts() -> None:
    same = [*replies(["one two three four"] * 4, prompt="p"), *replies(["one two three four"] * 4, prompt="q")]
    assert a_log(same)["samples/similarity_across_prompts"] == 1.0
    assert "samples/similarity_across_prompts" not in a_log(same[:4])


def test_shares_name_their_worst_rows() -> None:
    event = Completions(time=0.0, step=7, rows=tuple(replies(["fine text here", "", "moss " * 30, "Ok <|im_start|> x"])))
    found = measure(event)
    assert found.named["samples/empty"] == ("7/1",)
    assert found.named["samples/repeating"] == ("7/2",)
    assert found.named["samples/special_tokens"] == ("7/3",)
    assert found.values["samples/empty"] == 0.25


def test_a_reply_of_two_tokens_is_empty_where_tokens_are_counted() -> None:
    assert a_log([Completion(prompt="p", completion="yes", length=2)])["samples/empty"] == 1.0
    assert a_log([Completion(prompt="p", completion="yes")])["samples/empty"] == 0.0


def test_another_script_than_the_prompts() -> None:
    rows = [
        Completion(prompt="Tell me of the house", completion="Это очень красивый дом"),
        *replies(["a fine old house it is"]),
    ]
    assert a_log(rows)["samples/script_mismatch"] == 0.5


def test_length_and_reward_within_prompts_add_up() -> None:
    texts = [" ".join(WORDS[:size]) for size in (2, 4, 6, 8, 10, 12, 14, 16)]
    longer = a_log(replies(texts, [0.1 * size for size in range(8)]))
    assert math.tanh(longer["samples/length_reward_z"] / longer["samples/length_reward_weight"]) == pytest.approx(7 / 8)
    assert longer["samples/length_reward_covariance"] / longer["samples/length_variance"] == pytest.approx(0.05)
    constant = a_log(replies(texts, [1.0] * 8))
    assert "samples/length_reward_z" not in constant
    by_advantage = [
        Completion(prompt=row.prompt, completion=row.completion, rewards=row.rewards, advantage=-float(index))
        for index, row in enumerate(replies(texts, [0.1 * size for size in range(8)]))
    ]
    assert a_log(by_advantage)["samples/length_reward_z"] < 0, "the advantage weighs the rewards as the training does"


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=9))
def test_rank_correlation_is_a_correlation(pairs: list[tuple[int, int]]) -> None:
    first, second = np.array(pairs, float).T
    one_group = np.zeros(first.size, np.intp)
    (rho,), _ = spearman_of_each(first, second, one_group)
    assert np.isnan(rho) == (np.ptp(first) == 0 or np.ptp(second) == 0)
    if not np.isnan(rho):
        assert abs(rho) <= 1 + 1e-9
        assert rho == pytest.approx(spearman_of_each(first**3, second, one_group)[0][0])


@pytest.mark.parametrize(
    ("rewards", "extreme"),
    [
        ([0.0] * 15 + [1.0], None),
        ([1.0] * 12 + [0.9, 0.8, 0.7, 0.0], 10.0),
        ([0.8, 0.9, 0.7, 0.85, 0.75, 0.8, 0.9, 0.7, 40.0], 392.0),
    ],
    ids=["pass or fail", "at the maximum", "one far out"],
)
def test_the_farthest_reward_in_spreads(rewards: list[float], extreme: float | None) -> None:
    found = a_log(replies(["x"] * len(rewards), rewards)).get("samples/reward_extreme")
    assert found == (None if extreme is None else pytest.approx(extreme, rel=0.4))


def test_near_ties_are_judged_by_the_usual_spread() -> None:
    tied = replies("abcd", [0.5, 0.5, 0.5 + 1e-9, 0.5], prompt="p") + replies("efgh", [0.0, 1.0, 0.2, 0.9], prompt="q")
    assert a_log(tied)["samples/near_ties"] == 0.5
    outlier = replies("abcd", [0.1, 0.5, 0.2, 0.3], prompt="p") + replies("efgh", [0.0, 0.4, 0.2, 900.0], prompt="q")
    assert a_log(outlier)["samples/near_ties"] == 0.0


def test_advantages_of_tied_groups_do_not_count() -> None:
    rows = [
        Completion(prompt=f"p{index // 4}", completion="x", advantage=(index % 2 * 2 - 1.0) * (index < 4))
        for index in range(16)
    ]
    assert a_log(rows)["samples/advantage_std"] == 1.0


def test_what_nobody_could_score() -> None:
    values = a_log(replies(["a", "b", "c", "d"], [None, math.nan, 1.0, math.inf]))
    assert values["samples/unscored"] == 0.5
    assert all(math.isfinite(value) for value in values.values())


def test_groups_of_one_reward_name_no_reply_that_was_paid_for_its_length() -> None:
    rewards = {"tied": [0.1] * 10, "split": [0.1, 0.5, 0.5, 0.9]}  # ten times 0.1, summed up and divided, is less than 0.1
    for alike, named in ((["tied"], False), (["tied", "split"], True)):
        rows = tuple(
            Completion(prompt=prompt, completion="so " * (at + 1), rewards={"r": reward})
            for prompt in alike
            for at, reward in enumerate(rewards[prompt])
        )
        found = measure(Completions(time=1.0, step=1, rows=rows))
        assert found.named.get("samples/length_reward_z", ()) == (("1/13",) if named else ())


def test_where_no_reward_function_is_named_nobody_failed_to_score() -> None:
    rows = tuple(Completion(prompt="p", completion=text) for text in "ab")
    assert "samples/unscored" not in measure(Completions(time=1.0, step=1, rows=rows)).values


ANY_NUMBER = st.one_of(st.none(), st.floats(), st.just(0.5))
ANY_ROW = st.builds(
    Completion,
    prompt=st.sampled_from(["", "p", "что это такое было"]),
    completion=st.text(st.characters(exclude_categories=()), max_size=40),
    rewards=st.dictionaries(st.sampled_from("fg"), ANY_NUMBER, max_size=2),
    advantage=ANY_NUMBER,
    length=st.one_of(st.none(), st.integers(0, 2**63)),
)


@given(st.lists(ANY_ROW, min_size=1, max_size=12))
def test_any_generations_are_measured(rows: list[Completion]) -> None:
    values = a_log(rows)
    assert all(math.isfinite(value) for value in values.values())
    assert all(0.0 <= values[name] <= 1.0 for name in ("samples/repeating", "samples/empty", "samples/unprintable"))


def test_a_large_log_takes_little_time() -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, 300)) + str(index) for index in range(64)]
    rows = [row for index, text in enumerate(texts) for row in replies([text], [float(index)], prompt=f"p{index // 8}")]
    took = []
    for _ in range(5):
        began = time.perf_counter()
        a_log(rows)
        took.append(time.perf_counter() - began)
    assert min(took) < 0.1, "20 ms on an idle machine"


def test_marks_in_place_of_text_are_not_measured_as_words() -> None:
    rows = tuple(
        Completion(prompt=f"#{index // 4}", completion=f"#a{index}", rewards={"f": index % 3}, length=index + 1)
        for index in range(16)
    )
    event = Completions(time=0.0, step=1, rows=rows, without_text=True)
    told = set(measure(event).values)
    assert {"samples/groups", "samples/unique_in_group", "samples/length_mean", "samples/empty"} <= told
    assert not told & {"samples/distinct_2", "samples/repeating", "samples/script_mismatch", "samples/special_tokens"}
    uncounted = tuple(msgspec.structs.replace(row, length=None) for row in rows)
    told = set(measure(msgspec.structs.replace(event, rows=uncounted)).values)
    assert not told & {"samples/length_mean", "samples/empty"}
