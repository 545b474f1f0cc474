"""Which checkpoint to keep, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.checkpoints.keep import Candidate, which_to_keep


def kept(*candidates: Candidate) -> tuple[int, str]:
    choice = which_to_keep(candidates)
    assert choice is not None
    return choice.step, "; ".join(choice.reasons)


def test_the_best_evaluation_wins_over_the_reward() -> None:
    step, why = kept(
        Candidate(step=10, evaluation=0.5, reward=0.1, health=1.0), Candidate(step=20, evaluation=0.4, reward=0.9, health=1.0)
    )
    assert step == 10
    assert "evaluation" in why


def test_within_the_noise_of_the_reward_the_lower_kl_wins() -> None:
    noisy = [
        Candidate(step=step, reward=reward, reward_error=0.05, kl=step / 100)
        for step, reward in ((10, 0.5), (20, 0.8), (30, 0.82))
    ]
    step, why = kept(*noisy)
    assert step == 20
    assert "KL" in why
    clear = [Candidate(step=step, reward=step / 100, reward_error=0.001, kl=step / 100) for step in (10, 20, 30)]
    assert kept(*clear)[0] == 30


def test_a_broken_one_is_no_choice_however_good() -> None:
    step, why = kept(Candidate(step=10, reward=0.1), Candidate(step=20, reward=0.9, usable=False))
    assert step == 10
    assert "1 of 2 checkpoints is broken" in why
    assert which_to_keep([Candidate(step=10, usable=False)]) is None
    assert which_to_keep([]) is None


def test_weights_in_trouble_are_left_out_unless_there_are_no_others() -> None:
    assert kept(Candidate(step=10, health=1.0), Candidate(step=20, health=0.39))[0] == 10
    assert kept(Candidate(step=10, health=0.1), Candidate(step=20, health=0.39))[0] == 20


def test_by_weights_alone_the_newest_of_equals() -> None:
    assert kept(Candidate(step=10, health=1.0), Candidate(step=20, health=1.0)) == (20, "the newest of those that are as good")
    assert kept(Candidate(step=10)) == (10, "the only one")


@pytest.mark.parametrize(
    ("candidates", "step", "why"),
    [
        pytest.param(
            [
                Candidate(step=10, evaluation=0.70, reward=0.90, kl=0.01),
                Candidate(step=20, evaluation=0.80, reward=0.50, kl=0.90),
                Candidate(step=30, evaluation=0.60, reward=0.99, kl=0.05),
            ],
            20,
            "best evaluation",
            id="all three disagree: the evaluation decides",
        ),
        pytest.param(
            [Candidate(step=10, evaluation=0.9, reward=0.2), Candidate(step=20, reward=0.8)],
            20,
            "highest reward",
            id="not all were evaluated: the reward decides",
        ),
        pytest.param(
            [Candidate(step=10, kl=0.001), Candidate(step=20, reward=0.3, kl=0.2), Candidate(step=30, reward=0.8, kl=0.4)],
            30,
            "1 without a logged reward left out; highest reward",
            id="saved before the first log",
        ),
        pytest.param(
            [Candidate(step=10, kl=0.1), Candidate(step=20, kl=0.5), Candidate(step=30, kl=0.9)],
            30,
            "the newest of those that are as good",
            id="nothing but the KL: the least trained is not the best",
        ),
        pytest.param(
            [Candidate(step=10, reward=0.5, kl=0.3), Candidate(step=20, reward=0.5), Candidate(step=30, reward=0.5, kl=0.1)],
            30,
            "no reward is higher than another's by more than its standard error; the newest of those that are as good",
            id="the KL of one is missing: it decides nothing",
        ),
        pytest.param(
            [Candidate(step=10, evaluation=0.5, kl=0.2), Candidate(step=20, evaluation=0.5, kl=0.2)],
            20,
            "the newest of those that are as good",
            id="a tie in all",
        ),
        pytest.param(
            [
                Candidate(step=10, evaluation=0.5, kl=0.2, health=0.9),
                Candidate(step=20, evaluation=0.5, kl=0.2, health=0.7),
            ],
            10,
            "healthiest weights",
            id="a tie in all but the health",
        ),
        pytest.param(
            [Candidate(step=10, reward=-2.0, reward_error=0.1), Candidate(step=20, reward=-1.0, reward_error=0.1)],
            20,
            "highest reward, within its standard error",
            id="rewards below zero",
        ),
        pytest.param(
            [
                Candidate(step=10, reward=0.60, reward_error=0.3, kl=0.1),
                Candidate(step=20, reward=0.80, reward_error=0.01, kl=0.2),
                Candidate(step=30, reward=0.95, reward_error=0.2, kl=5.0),
            ],
            20,
            "highest reward, within its standard error; lowest KL among these",
            id="a reward that is bought with KL and within the noise of a cheaper one",
        ),
        pytest.param(
            [Candidate(step=10, evaluation=0.9, health=0.2), Candidate(step=20, evaluation=0.1, health=0.8)],
            20,
            "1 with weights in trouble left out",
            id="the best evaluation of weights in trouble",
        ),
        pytest.param(
            [Candidate(step=10, evaluation=0.9, usable=False), Candidate(step=20, evaluation=0.5), Candidate(step=30)],
            20,
            "1 of 3 checkpoints is broken or not whole; 1 not evaluated left out",
            id="one broken, one evaluated, one not, and no rewards",
        ),
    ],
)
def test_measures_that_disagree_or_are_missing(candidates: list[Candidate], step: int, why: str) -> None:
    found, reasons = kept(*candidates)
    assert found == step
    assert why in reasons


NUMBERS = st.none() | st.floats(0, 1)


@given(
    st.lists(
        st.builds(
            Candidate,
            step=st.integers(0, 1000),
            usable=st.booleans(),
            health=NUMBERS,
            evaluation=NUMBERS,
            reward=NUMBERS,
            reward_error=NUMBERS,
            kl=NUMBERS,
        ),
        unique_by=lambda one: one.step,
        max_size=6,
    )
)
def test_the_choice_is_usable_has_reasons_and_does_not_depend_on_the_order(candidates: list[Candidate]) -> None:
    choice = which_to_keep(candidates)
    assert choice == which_to_keep(candidates[::-1])
    if choice is None:
        assert not any(one.usable for one in candidates)
    else:
        assert choice.reasons
        assert next(one for one in candidates if one.step == choice.step).usable
