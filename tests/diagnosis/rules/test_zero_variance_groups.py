"""Groups without any difference in reward."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.zero_variance_groups import LIMITS, groups_a_log
from rldk_tui.events import Algorithm, Severity
from rldk_tui.run import RunInfo
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "zero-variance-groups"
MANY = {"per_device_train_batch_size": 64, "num_generations": 8}


def grpo(share: float, logs: int = 60, **config: object) -> RunBuilder:
    return a_run(Algorithm.GRPO, config={**MANY, **config}).with_metric("frac_reward_zero_std", [share] * logs)


@pytest.mark.parametrize(
    ("share", "logs", "severity"),
    [
        (0.49, 200, None),
        (0.51, LIMITS.pooled + LIMITS.lasting - 2, None),
        (0.51, LIMITS.pooled + LIMITS.lasting - 1, Severity.WARNING),
        (0.79, 30, None),
        (0.81, 30, Severity.HIGH),
        (0.94, 30, Severity.HIGH),
        (0.96, 30, Severity.CRITICAL),
    ],
)
def test_the_limits(share: float, logs: int, severity: Severity | None) -> None:
    assert worst(RULE, grpo(share, logs)) is severity


def test_onset_and_detection() -> None:
    run = a_run(Algorithm.GRPO, config=MANY).with_metric("frac_reward_zero_std", [0.0] * 40 + [1.0] * 40)
    found = only(RULE, run)
    assert (found.first_step, found.detected_step) == (41, 49), "the mean of ten passes 0.8 with the ninth"


@pytest.mark.parametrize(
    ("config", "detected"), [(MANY, 10), ({"per_device_train_batch_size": 8, "num_generations": 8}, 16), ({}, 16)]
)
def test_few_groups_a_log_are_pooled_over_more_logs(config: dict[str, object], detected: int) -> None:
    run = a_run(Algorithm.GRPO, config=config).with_metric("frac_reward_zero_std", [1.0] * 40)
    assert only(RULE, run).detected_step == detected


def test_one_group_a_log_that_is_often_without_signal_is_silent() -> None:
    run = a_run(Algorithm.GRPO).with_metric("frac_reward_zero_std", [1.0, 0.0, 1.0] * 10)
    assert not findings(RULE, run)


def test_a_spread_of_zero_counts_where_rloo_hides_it() -> None:
    hidden = a_run(Algorithm.RLOO, config={**MANY, "beta": 0.05}).with_metric("frac_reward_zero_std", [0.0] * 40)
    assert not findings(RULE, hidden.with_metric("reward_std", ([0.0] * 14 + [0.1] * 6) * 2))
    found = only(RULE, hidden.with_metric("reward_std", [0.1] * 10 + [0.0] * 30))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.HIGH, 11, 25)
    assert "RLOO" in (found.cause or "")


def test_the_spread_alone_is_enough_for_old_logs() -> None:
    assert worst(RULE, a_run(Algorithm.GRPO).with_metric("reward_std", [0.0] * 30)) is Severity.HIGH
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("reward_std", [1e-6] * 30))


def test_rewards_logged_only_on_generation_steps_are_judged_by_their_own_count() -> None:
    run = a_run(Algorithm.GRPO, config=MANY).with_metric("frac_reward_zero_std", [1.0] * 20, every=8)
    run = run.with_metric("loss", [0.0] * 160)
    assert only(RULE, run).detected_step == 80


@pytest.mark.parametrize("algorithm", [Algorithm.PPO, Algorithm.DPO, Algorithm.SFT])
def test_trainers_without_groups_are_left_out(algorithm: Algorithm) -> None:
    assert not findings(RULE, a_run(algorithm).with_metric("reward_std", [0.0] * 40))


def test_groups_a_log() -> None:
    assert groups_a_log(RunInfo(config=MANY)) == 8
    assert groups_a_log(RunInfo(config={**MANY, "gradient_accumulation_steps": 2}, world_size=2)) == 32
    assert groups_a_log(RunInfo(config={**MANY, "generation_batch_size": 16})) == 2
    assert groups_a_log(RunInfo(config={**MANY, "scale_rewards": "batch"})) == 1, "the batch is one group there"
    assert groups_a_log(RunInfo()) == 1


def test_the_advice_names_the_runs_own_settings() -> None:
    advice = {item.parameter: item for item in only(RULE, grpo(1.0, temperature=0.3)).advice if item.parameter}
    assert (advice["num_generations"].current, advice["num_generations"].proposed) == (8.0, "16")
    assert advice["temperature"].proposed == "1.0"


def test_a_constant_reward_asks_for_no_more_replies() -> None:
    run = grpo(1.0, temperature=0.3).with_metric("reward_std", [0.0] * 60)
    for constant in (run, run.with_metric("reward", [0.5] * 60)):
        assert not [item.parameter for item in only(RULE, constant).advice if item.parameter]
    moving = only(RULE, run.with_metric("reward", [0.1, 0.9] * 30))
    assert "num_generations" in {item.parameter for item in moving.advice}, "one group a log, and each of another score"


@pytest.mark.parametrize(("share", "limit"), [(0.6, "50 %"), (0.85, "80 %"), (1.0, "95 %")])
def test_the_summary_names_the_onset_and_the_limit_of_its_severity(share: float, limit: str) -> None:
    run = a_run(Algorithm.GRPO, config=MANY).with_metric("frac_reward_zero_std", [0.0] * 40 + [share] * 80)
    summary = only(RULE, run).summary
    assert f"limit {limit}" in summary
    assert summary.startswith(f"From step {only(RULE, run).first_step} on")


def solved(**beside: float) -> RunBuilder:
    """A pass-or-fail reward that is met ever more often."""
    steps = 120
    reward = [min(1.0, 0.3 + 0.01 * step) for step in range(steps)]
    share = [min(1.0, max(0.0, (value - 0.8) * 5)) for value in reward]
    run = a_run(Algorithm.GRPO, config=MANY).with_metrics(reward=reward, frac_reward_zero_std=share)
    run = run.with_metric("reward_std", [max(0.0, 1.0 - value) for value in reward])
    for name, value in {"entropy": 1.2, **beside}.items():
        run = run.with_metric(name, [value] * steps)
    return run


def test_a_solved_task_is_only_a_remark() -> None:
    found = only(RULE, solved())
    assert found.severity is Severity.INFO
    assert "solved" in (found.cause or "")
    assert not [item for item in found.advice if item.parameter]


@pytest.mark.parametrize("beside", [{"entropy": 0.4}, {"completions/clipped_ratio": 0.7}, {"samples/unique_in_group": 0.4}])
def test_full_marks_for_one_text_are_no_solved_task(beside: dict[str, float]) -> None:
    assert worst(RULE, solved(**beside)) is Severity.CRITICAL


def test_a_reward_that_jumps_to_a_constant_is_no_solved_task() -> None:
    run = a_run(Algorithm.GRPO, config=MANY).with_metrics(
        reward=[0.5] * 40 + [1.0] * 40,
        reward_std=[0.3] * 40 + [0.0] * 40,
        frac_reward_zero_std=[0.0] * 40 + [1.0] * 40,
        entropy=[2.0] * 80,
    )
    assert worst(RULE, run) is Severity.CRITICAL
