"""What a trainer logs becomes a number, stays None, or is told as refused: never dropped, never invented."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.events import Phase
from rldk_tui.integrations.trl.values import number, numbers, phase_of, short, without_eval_prefix


class Scalar:
    """A tensor of one value, as torch and JAX have them."""

    def __init__(self, value: object) -> None:
        self.value = value

    def item(self) -> object:
        return self.value


class Broken:
    """A tensor on a device that is gone."""

    def item(self) -> float:
        raise RuntimeError("CUDA error: device-side assert triggered")

    def __repr__(self) -> str:
        raise RuntimeError("cannot even be shown")


@pytest.mark.parametrize(
    ("logged", "expected"),
    [
        (0.5, 0.5),
        (3, 3.0),
        (True, 1.0),
        (10**300, 1e300),
        (np.float32(0.5), 0.5),
        (np.float64(0.25), 0.25),
        (np.int64(7), 7.0),
        (np.bool_(1), 1.0),
        (np.array(2.5), 2.5),
        (np.array([2.5]), 2.5),
        ("0.152", 0.152),
        ("1e-05", 1e-5),
        ("-inf", -math.inf),
        (Decimal("0.5"), 0.5),
        (Fraction(1, 4), 0.25),
        (Scalar(4), 4.0),
        (math.inf, math.inf),
        (None, None),
        (Scalar(None), None),
    ],
)
def test_a_number_in_any_dress_is_that_number(logged: object, expected: float | None) -> None:
    assert number(logged) == expected
    assert type(number(logged)) in (float, np.float64, type(None))


@pytest.mark.parametrize("logged", [math.nan, "nan", np.float32("nan"), Scalar(math.nan)])
def test_nan_stays_nan_and_is_not_none(logged: object) -> None:
    found = number(logged)
    assert found is not None
    assert math.isnan(found)


@pytest.mark.parametrize(
    "logged",
    ["low", "", [1.0, 2.0], {"a": 1}, np.array([1.0, 2.0]), 1j, Scalar(1j), Scalar([1]), object(), 10**400, Broken()],
)
def test_what_is_no_single_number_is_refused_by_name_and_the_rest_of_the_row_kept(logged: Any) -> None:
    values, refused = numbers({"loss": 0.5, "odd": logged}, Phase.TRAIN)
    assert values == {"loss": 0.5}
    assert [item.metric for item in refused] == ["odd"]
    assert refused[0].reason


def test_a_torch_scalar_is_read_without_this_package_importing_torch() -> None:
    torch = pytest.importorskip("torch")
    assert number(torch.tensor(0.5)) == 0.5
    assert number(torch.tensor([3], dtype=torch.int64)) == 3.0
    assert number(torch.tensor(1.5, dtype=torch.bfloat16, requires_grad=True)) == 1.5
    with pytest.raises(RuntimeError):
        number(torch.tensor([1.0, 2.0]))


@pytest.mark.parametrize(
    ("logs", "phase"),
    [
        ({"loss": 1.0, "learning_rate": 1e-3, "train_runtime": 3.0}, Phase.TRAIN),
        ({"lr": 1e-3, "objective/kl": 0.1}, Phase.TRAIN),
        ({"eval_loss": 1.0, "eval_runtime": 2.0, "epoch": 1.0}, Phase.EVAL),
        ({"eval_reward": None, "epoch": 1.0}, Phase.EVAL),
        ({"loss": 1.0, "learning_rate": 1.0, "eval_gap": 0.1}, Phase.TRAIN),
        ({"train_runtime": 3.0, "train_loss": 0.5, "epoch": 1.0}, Phase.FINAL),
        ({"my_metric": 1.0}, Phase.TRAIN),
        ({}, Phase.TRAIN),
    ],
)
def test_the_phase_is_told_by_the_keys(logs: dict[str, object], phase: Phase) -> None:
    assert phase_of(logs) is phase


def test_evaluation_metrics_go_by_their_names_in_training() -> None:
    values, _ = numbers({"eval_loss": 1.0, "eval_rewards/accuracies": 0.5, "epoch": 2.0}, Phase.EVAL)
    assert values == {"loss": 1.0, "rewards/accuracies": 0.5, "epoch": 2.0}


def test_two_names_that_would_become_one_are_both_kept() -> None:
    assert without_eval_prefix({"eval_epoch": 1.0, "epoch": 2.0}) == {"eval_epoch": 1.0, "epoch": 2.0}


@given(st.dictionaries(st.text() | st.integers(), st.floats() | st.none() | st.text() | st.lists(st.integers())))
def test_every_key_of_a_row_is_either_a_value_or_refused(logs: dict[Any, object]) -> None:
    values, refused = numbers(logs, Phase.TRAIN)
    assert {*values, *(item.metric for item in refused)} == {str(key) for key in logs}


@pytest.mark.parametrize("value", [Broken(), "\ud800", "x" * 10_000, [1] * 10_000])
def test_a_refused_value_is_shown_in_a_text_any_file_can_hold(value: object) -> None:
    assert len(short(value).encode("utf-8")) <= 400
