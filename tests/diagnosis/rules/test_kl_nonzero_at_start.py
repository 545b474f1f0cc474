"""The first log tells whether the reference is the starting policy."""

from __future__ import annotations

import math

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, findings, only, worst

RULE = "kl-nonzero-at-start"


@pytest.mark.parametrize(
    ("algorithm", "kl", "severity"),
    [
        (Algorithm.GRPO, 0.0099, None),
        (Algorithm.GRPO, 0.0101, Severity.WARNING),
        (Algorithm.RLOO, 0.099, Severity.WARNING),
        (Algorithm.RLOO, 0.101, Severity.HIGH),
        (Algorithm.PPO, 0.49, None),
        (Algorithm.PPO, 0.51, Severity.WARNING),
        (Algorithm.PPO, 5.1, Severity.HIGH),
        (Algorithm.SFT, 5.1, None),
    ],
)
def test_the_limits_of_the_first_kl(algorithm: Algorithm, kl: float, severity: Severity | None) -> None:
    assert worst(RULE, a_run(algorithm).with_metric("kl", [kl, *[0.0] * 20])) is severity


def test_it_stays_open_for_no_later_log_can_mend_it() -> None:
    found = only(RULE, a_run(Algorithm.GRPO).with_metric("kl", [1.1, *[0.0] * 200]))
    assert found.open
    assert (found.first_step, found.detected_step, found.last_step) == (1, 1, 1)


def test_later_logs_are_not_judged() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("kl", [0.0, *[2.0] * 50]))


def test_noise_of_bfloat16_is_silent() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("kl", [1e-4, 2e-4]))


@pytest.mark.parametrize("every", [6, 10, 50])
def test_a_first_log_that_averages_many_steps_tells_nothing(every: int) -> None:
    run = a_run(Algorithm.GRPO, config={"logging_steps": every}).with_metric("kl", [0.5] * 10, every=every)
    assert not findings(RULE, run)
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("kl", [0.5] * 10, every=every))


def test_a_first_log_of_a_few_steps_does() -> None:
    run = a_run(Algorithm.GRPO, config={"logging_steps": 5}).with_metric("kl", [0.5] * 10, every=5)
    assert worst(RULE, run) is Severity.HIGH


def test_a_resumed_run_is_not_judged() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO, first_step=60).with_metric("kl", [0.5] * 10))
    begun_later = a_run(Algorithm.GRPO, config={"logging_steps": 1}).with_metric("kl", [0.5] * 10, first=3)
    assert not findings(RULE, begun_later)


def test_ppo_logs_every_update_whatever_it_was_told() -> None:
    run = a_run(Algorithm.PPO, config={"logging_steps": 500}).with_metric("objective/kl", [7.0, 7.0])
    assert worst(RULE, run) is Severity.HIGH


@pytest.mark.parametrize(
    ("loss", "margin", "config", "found"),
    [
        (math.log(2), 0.0, {"loss_type": ["sigmoid"]}, False),
        (0.61, 0.0, {"loss_type": ["sigmoid"]}, True),
        (0.70, 0.019, {"loss_type": "sigmoid"}, False),
        (0.70, -0.021, {"loss_type": "sigmoid"}, True),
        (25.0, 0.0, {"loss_type": "ipo"}, False),
        (25.0, 0.0, {}, False),
        (25.0, 0.03, {}, True),
    ],
)
def test_dpo_begins_neutral(loss: float, margin: float, config: dict[str, object], found: bool) -> None:
    run = a_run(Algorithm.DPO, config=config).with_metric("loss", [loss] * 9).with_metric("rewards/margins", [margin] * 9)
    assert (worst(RULE, run) is Severity.WARNING) is found


@pytest.mark.parametrize(
    ("loss", "config", "found"),
    [(0.5, {}, False), (0.53, {}, True), (0.53, {"desirable_weight": 1.5}, False), (0.515, {}, False)],
)
def test_kto_begins_neutral_and_its_clamped_kl_is_not_judged(loss: float, config: dict[str, object], found: bool) -> None:
    run = a_run(Algorithm.KTO, config=config).with_metrics(loss=[loss] * 9, kl=[0.4] * 9)
    run = run.with_metric("rewards/margins", [0.0] * 9)
    assert (worst(RULE, run) is Severity.WARNING) is found


@pytest.mark.parametrize(
    ("algorithm", "kl", "config", "first", "dropout"),
    [
        (Algorithm.GRPO, 0.3, {"disable_dropout": False}, "Merge the adapter", "disable_dropout"),
        (Algorithm.GRPO, 0.05, {"disable_dropout": False}, "one dtype", "disable_dropout"),
        (Algorithm.GRPO, 0.05, {"disable_dropout": True}, "one dtype", None),
        (Algorithm.PPO, 7.0, {"kl_coef": 0.05}, "ref_model", None),
        (Algorithm.PPO, 7.0, {}, "ref_model", None),
    ],
)
def test_the_size_orders_the_advice_and_ppo_has_no_dropout_setting(
    algorithm: Algorithm, kl: float, config: dict[str, object], first: str, dropout: str | None
) -> None:
    advice = only(RULE, a_run(algorithm, config=config).with_metric("kl", [kl, 0.0, 0.0])).advice
    assert first in advice[0].text
    assert [item.parameter for item in advice if item.parameter] == ([dropout] if dropout else [])
    if kl >= 0.1 and dropout:
        assert advice[-1].parameter == dropout, "so much is another model, and dropout the last thing to look at"
