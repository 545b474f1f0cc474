"""A reward gained by form alone."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.events import Algorithm, Json, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "format-only-gain"


def formed(
    content: float = 0.0,
    *,
    form: float = 0.9,
    logs: int = 240,
    begin: float = 0.3,
    names: tuple[str, str] = ("strict_format", "accuracy"),
    weights: Json = None,
) -> RunBuilder:
    """The format rises by `form` within 40 logs, the content by `content` over the whole run."""
    rng = np.random.default_rng(0)
    rises = 0.05 + form * np.clip((np.arange(logs) - 8) / 32, 0.0, 1.0) + rng.normal(0, 0.01, logs)
    right = begin + content * np.linspace(0, 1, logs) + rng.normal(0, 0.03, logs)
    one, other = weights if isinstance(weights, list) else (1.0, 1.0)
    run = a_run(Algorithm.GRPO, config={"reward_weights": weights}).with_metric("reward", rises * one + right * other)
    for name, values, spread in zip(names, (rises, right), (0.3, 0.45), strict=True):
        run = run.with_metric(f"rewards/{name}/mean", values).with_metric(f"rewards/{name}/std", [spread] * logs)
    return run


@pytest.mark.parametrize(
    ("run", "severity"),
    [
        (formed(), Severity.WARNING),
        (formed(logs=130), Severity.INFO),
        (formed(logs=80), None),
        (formed(0.4), None),
        (formed(form=0.2), None),
        (formed(begin=0.93), None),
        (formed(names=("first", "second")), None),
        (formed(names=("xmlcount", "length_penalty")), None),
        (formed(weights=[0.0, 1.0]), None),
    ],
    ids=[
        "form alone",
        "lately",
        "too early",
        "content follows",
        "too small a gain",
        "content is right already",
        "no form by name",
        "no content by name",
        "not paid for",
    ],
)
def test_the_limits(run: RunBuilder, severity: Severity | None) -> None:
    assert worst(RULE, run) is severity


def test_both_sides_are_told() -> None:
    found = only(RULE, formed())
    assert found.metric == "rewards/strict_format/mean"
    assert "no function of content has risen" in found.summary


def test_a_trainer_without_functions_is_left_out() -> None:
    assert not findings(RULE, a_run(Algorithm.PPO).with_metric("rewards/format/mean", [1.0] * 200))
