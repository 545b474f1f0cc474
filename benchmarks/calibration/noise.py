"""Runs in which nothing happens: every metric at a healthy level, with noise and learning curves as real logs have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from rldk_tui.statistics.null_zoo import Kind, kinds, series

from rldk_tui.diagnosis.engine import Engine
from rldk_tui.events import Algorithm, Metrics, Origin, RunEnded, RunStarted, Severity
from rldk_tui.run import RunStore

_ORIGIN = Origin(source="noise", format="noise", authority=12)
_SHARES = frozenset({"completions/clipped_ratio", "frac_reward_zero_std", "clip_fraction", "accuracy", "rewards/accuracies"})
LEVELS: dict[Algorithm, dict[str, tuple[float, float, float]]] = {
    Algorithm.GRPO: {
        "reward": (0.3, 0.7, 0.05),
        "reward_std": (0.3, 0.2, 0.03),
        "kl": (0.01, 0.08, 0.01),
        "entropy": (2.0, 1.2, 0.08),
        "completions/mean_length": (150.0, 180.0, 12.0),
        "completions/clipped_ratio": (0.05, 0.03, 0.02),
        "frac_reward_zero_std": (0.1, 0.2, 0.06),
        "grad_norm": (0.6, 0.4, 0.1),
        "loss": (0.0, 0.01, 0.01),
        "step_time": (4.0, 4.2, 0.3),
    },
    Algorithm.PPO: {
        "reward": (0.1, 0.6, 0.08),
        "kl": (0.5, 4.0, 0.5),
        "entropy": (2.0, 1.4, 0.08),
        "policy_loss": (0.0, -0.01, 0.01),
        "value_loss": (0.5, 0.1, 0.03),
        "approx_kl": (0.004, 0.002, 0.001),
        "clip_fraction": (0.05, 0.03, 0.02),
        "policy_ratio": (1.0, 1.0, 0.005),
    },
    Algorithm.DPO: {
        "loss": (0.69, 0.4, 0.03),
        "grad_norm": (2.0, 1.5, 0.3),
        "rewards/margins": (0.0, 1.5, 0.1),
        "rewards/accuracies": (0.5, 0.8, 0.05),
        "rewards/chosen": (0.0, 0.5, 0.05),
        "logps/chosen": (-120.0, -118.0, 3.0),
    },
    Algorithm.SFT: {
        "loss": (2.5, 1.2, 0.06),
        "grad_norm": (1.5, 0.8, 0.15),
        "mean_token_accuracy": (0.5, 0.7, 0.02),
        "entropy": (2.2, 1.2, 0.05),
    },
}
"""Of each metric: the level it begins at, the level learning brings it to, and the spread of its noise."""


def noisy_findings(steps: int) -> tuple[Counter[str], int]:
    """Findings of severity warning or worse by rule, over every algorithm and kind of noise, and the steps judged in all."""
    found: Counter[str] = Counter()
    judged = 0
    for algorithm, levels in LEVELS.items():
        for number, kind in enumerate(kinds()):
            findings = _judge(algorithm, _metrics(levels, kind, steps, seed=number))
            found.update(finding for finding in findings)
            judged += steps
    return found, judged


def _metrics(
    levels: dict[str, tuple[float, float, float]], kind: Kind, steps: int, seed: int
) -> dict[str, NDArray[np.float64]]:
    made = {}
    for index, (name, (begin, end, spread)) in enumerate(levels.items()):
        values = series(kind, steps, begin=begin, end=end, spread=spread, seed=1000 * seed + index)
        positive = begin > 0 and end > 0
        values = np.abs(values) if positive else values
        made[name] = np.clip(values, 0.0, 1.0) if name in _SHARES else values
    return made


def _judge(algorithm: Algorithm, metrics: dict[str, NDArray[np.float64]]) -> Iterator[str]:
    store, steps = RunStore("noise"), len(next(iter(metrics.values())))
    start = RunStarted(time=0.0, schema_version=1, run_id="noise", algorithm=algorithm, host="noise", pid=1, max_steps=steps)
    store.add(start, _ORIGIN)
    for step in range(1, steps + 1):
        values: dict[str, float | None] = {name: float(series[step - 1]) for name, series in metrics.items()}
        store.add(Metrics(time=5.0 * step, step=step, values=values), _ORIGIN)
    store.add(RunEnded(time=5.0 * steps, step=steps), _ORIGIN)
    snapshot = store.snapshot(5.0 * steps + 1, (), store.pulse(process_alive=False))
    for finding in Engine().diagnose(snapshot).findings:
        if finding.severity.rank >= Severity.WARNING.rank:
            yield finding.rule
