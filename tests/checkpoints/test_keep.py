"""Which checkpoint to keep, and why."""

from __future__ import annotations

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
