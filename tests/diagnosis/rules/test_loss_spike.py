"""A supervised loss that jumps."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "loss-spike"


def run_of(*spikes: float, algorithm: Algorithm = Algorithm.SFT, level: float = 2.0, spread: float = 0.1) -> RunBuilder:
    rng = np.random.default_rng(3)
    before, after = (level + spread * rng.normal(size=size) for size in (60, 20))
    return a_run(algorithm, config={"learning_rate": 1e-4}).with_metric("loss", [*before, *spikes, *after])


@pytest.mark.parametrize(
    ("spikes", "severity"),
    [([9.0], None), ([2.4, 2.4], None), ([4.0, 4.0], Severity.WARNING), ([4.0, 2.0, 4.0], Severity.WARNING)],
)
def test_two_of_three_logs(spikes: list[float], severity: Severity | None) -> None:
    assert worst(RULE, run_of(*spikes)) is severity


def test_it_is_known_at_the_second() -> None:
    found = only(RULE, run_of(5.0, 6.0, 4.0))
    assert (found.first_step, found.detected_step) == (61, 62)
    assert found.summary.startswith("The loss jumped to 6 at step 62, where ")
    assert found.advice[-1].parameter == "learning_rate"


@pytest.mark.parametrize(("level", "spread", "spike"), [(0.001, 0.0001, 0.08), (1.0, 0.01, 1.2)])
def test_factors_of_nearly_nothing_do_not_matter(level: float, spread: float, spike: float) -> None:
    assert not findings(RULE, run_of(spike, spike, spike, level=level, spread=spread, algorithm=Algorithm.DPO))


@pytest.mark.parametrize("algorithm", [Algorithm.GRPO, Algorithm.RLOO, Algorithm.PPO])
def test_the_loss_of_a_policy_gradient_means_nothing(algorithm: Algorithm) -> None:
    assert not findings(RULE, run_of(9.0, 9.0, 9.0, algorithm=algorithm))


def test_the_noise_of_small_batches_is_none() -> None:
    rng = np.random.default_rng(5)
    for _ in range(10):
        loss = np.exp(0.5 * rng.normal(size=1000) - 1)
        assert not findings(RULE, a_run(Algorithm.REWARD).with_metric("loss", loss.tolist()))
