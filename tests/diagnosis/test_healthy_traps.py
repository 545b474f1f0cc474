"""What looks wrong in healthy runs and is not: no rule may warn of any of it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.engine import Engine
from rldk_tui.events import Algorithm, Json, Severity
from rldk_tui.statistics.windows import Floats
from tests.builders import RunBuilder, a_run

LOGS = 200
STEPS = np.arange(LOGS)
RNG = np.random.default_rng(23)
BEGINNING = RNG.bit_generator.state
CONFIG = {"learning_rate": 1e-6, "logging_steps": 1, "num_generations": 8, "per_device_train_batch_size": 64, "fp16": False}


def noisy(level: Floats | float, noise: float) -> Floats:
    result: Floats = level + RNG.normal(0, noise, size=LOGS)
    return result


def learning(algorithm: Algorithm = Algorithm.GRPO, **config: object) -> RunBuilder:
    """A run that learns: reward 0.2 to 0.8, everything else in its place."""
    run = a_run(algorithm, config={**CONFIG, **config}, max_steps=LOGS)
    run = run.with_metrics(
        reward=noisy(0.8 - 0.6 * np.exp(-STEPS / 50), 0.04),
        entropy=noisy(0.8 + 2.4 * np.exp(-STEPS / 60), 0.05),
        learning_rate=1e-6 * (1 - (STEPS + 1) / LOGS),
        epoch=(STEPS + 1) / LOGS,
        loss=noisy(0.0, 0.01),
        grad_norm=np.abs(noisy(0.5, 0.1)),
    )
    if algorithm is Algorithm.PPO:
        kl = np.concatenate(([0.0], np.abs(noisy(2.0, 0.5))[1:]))
        return run.with_metric("objective/kl", kl).with_metric("val/ratio_var", [math.nan] * LOGS)
    run = run.with_metric("kl", np.minimum(STEPS * 0.001, 0.15)).with_metric("reward_std", np.abs(noisy(0.3, 0.03)))
    run = run.with_metric("frac_reward_zero_std", np.clip(noisy(0.1, 0.05), 0, 1))
    return run.with_metric("completions/clipped_ratio", np.clip(noisy(0.05, 0.03), 0, 1))


def spiked() -> RunBuilder:
    kl, grad = np.minimum(STEPS * 0.001, 0.15), np.abs(noisy(0.5, 0.1))
    kl[90], grad[90] = 40.0, 900.0
    return learning().with_metric("kl", kl).with_metric("grad_norm", grad)


def one_group_a_log() -> RunBuilder:
    shares = RNG.choice([0.0, 0.0, 0.0, 1.0], size=LOGS)
    grad = np.where(shares == 1.0, 0.0, 0.5)
    run = learning(per_device_train_batch_size=8).with_metric("frac_reward_zero_std", shares)
    return run.with_metric("reward_std", np.where(shares == 1.0, 0.0, 0.4)).with_metric("grad_norm", grad)


def warm_up() -> RunBuilder:
    rates = np.minimum(STEPS / 20, 1 - STEPS / LOGS).clip(0) * 1e-6
    rates[-1] = 0.0
    return learning(warmup_steps=20).with_metric("learning_rate", rates)


def generated_every_fourth_step(**config: Json) -> RunBuilder:
    """What belongs to a generation is logged where there is one."""
    of_a_generation = ("reward", "reward_std", "frac_reward_zero_std", "completions/clipped_ratio")
    whole = learning().launches[0]
    run = a_run(Algorithm.GRPO, config={**CONFIG, **config}, max_steps=LOGS)
    for name in sorted({name for row in whole.rows.values() for name in row}):
        every = 4 if name in of_a_generation else 1
        run = run.with_metric(name, [whole.rows[step][name] for step in range(1, LOGS + 1, every)], first=1, every=every)
    return run


def resumed() -> RunBuilder:
    run = learning().relaunched(150)
    for name, level in (("reward", 0.78), ("kl", 0.14), ("entropy", 0.9), ("loss", 0.01), ("grad_norm", 0.5)):
        run = run.with_metric(name, noisy(level, 0.01))
    return run


def averaged(every: int) -> RunBuilder:
    run = a_run(Algorithm.GRPO, config={**CONFIG, "logging_steps": every})
    steps = np.arange(40) * every
    run = run.with_metric("reward", 0.8 - 0.6 * np.exp(-steps / 50), every=every)
    run = run.with_metric("kl", np.minimum(0.05 + steps * 0.0005, 0.2), every=every)
    return run.with_metric("entropy", 0.8 + 2.4 * np.exp(-steps / 60), every=every)


def preferences(algorithm: Algorithm) -> RunBuilder:
    """Implicit rewards of both sides drift down, the margin grows; KTO's clamped KL is 0."""
    run = a_run(algorithm, config={"learning_rate": 1e-6, "loss_type": ["sigmoid"] if algorithm is Algorithm.DPO else "kto"})
    run = run.with_metrics(
        loss=(0.6931 if algorithm is Algorithm.DPO else 0.5) - 0.001 * STEPS,
        grad_norm=np.abs(noisy(3.0, 0.5)),
        entropy=noisy(0.02, 0.001),
        kl=np.zeros(LOGS),
    )
    run = run.with_metric("rewards/margins", 0.005 * STEPS).with_metric("rewards/chosen", -0.001 * STEPS)
    return run.with_metric("rewards/rejected", -0.006 * STEPS).with_metric(
        "rewards/accuracies", np.minimum(0.5 + STEPS / 300, 1)
    )


def curriculum() -> RunBuilder:
    reward = noisy(0.8 - 0.6 * np.exp(-STEPS / 30), 0.03)
    reward[100:] -= 0.2
    return learning().with_metric("reward", reward).with_metric("epoch", (STEPS + 1) / 100)


TRAPS: dict[str, Callable[[], RunBuilder]] = {
    "learning": learning,
    "RLOO": lambda: learning(Algorithm.RLOO).with_metric("kl", noisy(0.005, 0.003).cumsum() / 40),
    "PPO with a variance of one ratio": lambda: learning(Algorithm.PPO),
    "beta 0, no kl": lambda: a_run(Algorithm.GRPO, config=CONFIG).with_metric("reward", noisy(0.5, 0.05)),
    "on-policy loss of 0 and nothing clipped": lambda: learning().with_metrics(loss=[0.0] * LOGS, clip_fraction=[0.0] * LOGS),
    "entropy falls by three quarters": lambda: learning().with_metric("entropy", 3.2 * np.exp(-STEPS / 130)),
    "rewards on every fourth step": lambda: generated_every_fourth_step(num_iterations=4),
    "rewards on every fourth step, and nothing tells why": generated_every_fourth_step,
    "one group a log": one_group_a_log,
    "warm-up and a last rate of 0": warm_up,
    "resumed": resumed,
    "ten steps a log": lambda: averaged(10),
    "fifty steps a log": lambda: averaged(50),
    "replies grow with the reward": lambda: learning().with_metric("completions/mean_length", 100.0 + 2 * STEPS),
    "a curriculum": curriculum,
    "one spike that recovers": spiked,
    "saturated at its best": lambda: learning().with_metric("reward", np.minimum(0.2 + STEPS / 100, 1.0)),
    "bfloat16": lambda: learning().with_metric("kl", np.full(LOGS, 1e-4)),
    "DPO": lambda: preferences(Algorithm.DPO),
    "KTO": lambda: preferences(Algorithm.KTO),
    "SFT": lambda: a_run(Algorithm.SFT).with_metrics(loss=3 - STEPS / 100, grad_norm=noisy(1.0, 0.1), entropy=[0.04] * LOGS),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_no_rule_warns_of(trap: str) -> None:
    RNG.bit_generator.state = BEGINNING  # the same noise whatever ran before
    diagnosis = Engine(load_rules()).diagnose(TRAPS[trap]().snapshot())
    assert not diagnosis.failures
    assert not [finding for finding in diagnosis.findings if finding.severity.rank >= Severity.WARNING.rank]
