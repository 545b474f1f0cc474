"""A reward that the prompt decides."""

from __future__ import annotations

import pytest

from rldk_tui.events import Algorithm, Json, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "query-dominated-reward"


def decided(
    between: float,
    *,
    algorithm: Algorithm = Algorithm.GRPO,
    config: dict[str, Json] | None = None,
    prompts: float = 8.0,
    batches: int = 40,
    settles_at: int = 1000,
) -> RunBuilder:
    """Eight replies a prompt, variance 1 within and `between` between prompts; from `settles_at` on next to none within."""
    columns = {
        "reward_between": [(prompts - 1.0) * (1.0 + 8.0 * between)] * batches,
        "reward_between_freedom": [prompts - 1.0] * batches,
        "reward_within": [prompts * 7.0 * (1.0 if index < settles_at else 1e-4) for index in range(batches)],
        "reward_within_freedom": [prompts * 7.0] * batches,
        "group_size": [8.0] * batches,
    }
    run = a_run(algorithm, config=config or {})
    for name, values in columns.items():
        run = run.with_metric(f"samples/{name}", values)
    return run


@pytest.mark.parametrize(("between", "severity"), [(1.0, None), (9.1, None), (12.0, Severity.INFO), (1e6, Severity.INFO)])
def test_the_lower_bound_must_exceed_the_limit(between: float, severity: Severity | None) -> None:
    """9 is an intraclass correlation of 0.9, its interval reaches below."""
    assert worst(RULE, decided(between)) is severity


@pytest.mark.parametrize(
    ("algorithm", "config", "severity"),
    [
        (Algorithm.GRPO, {"scale_rewards": "batch"}, Severity.WARNING),
        (Algorithm.GRPO, {"scale_rewards": "group"}, Severity.INFO),
        (Algorithm.RLOO, {}, Severity.INFO),
        (Algorithm.PPO, {}, Severity.WARNING),
    ],
)
def test_it_is_a_warning_where_it_reaches_the_update(algorithm: Algorithm, config: dict[str, Json], severity: Severity) -> None:
    assert worst(RULE, decided(50.0, algorithm=algorithm, config=config)) is severity


def test_the_setting_is_proposed() -> None:
    found = only(RULE, decided(50.0, config={"scale_rewards": "batch"}))
    assert ("scale_rewards", "group") in [(item.parameter, item.proposed) for item in found.advice]


@pytest.mark.parametrize(
    "run",
    [decided(1.0, settles_at=10), decided(50.0, prompts=2.0, batches=20), decided(50.0, batches=6)],
    ids=["a policy that has settled", "too few prompts", "too early"],
)
def test_what_stays_silent(run: RunBuilder) -> None:
    assert not findings(RULE, run)
