"""Runs in which nothing happens: every metric at a healthy level, with noise and learning curves as real logs have them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.engine import Engine
from rldk_tui.diagnosis.findings import Diagnosis
from rldk_tui.events import Algorithm, Metrics, Origin, RunEnded, RunStarted, Severity
from rldk_tui.run import RunStore
from rldk_tui.statistics.null_zoo import CASES, ZOO, Cell, Noise, Shape, series

_ORIGIN = Origin(source="noise", format="noise", authority=12)
_RESUMED_AT = 1_000
"""These runs have no beginning: nothing in them is as it is before the first update."""
_SHARES = frozenset(
    {"completions/clipped_ratio", "frac_reward_zero_std", "clip_fraction", "rewards/accuracies", "mean_token_accuracy"}
)
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


_LOGNORMAL_SPREAD = 0.8
"""Standard deviation of the lognormal noise about its median, so that all kinds of noise are as wide."""
_LEARNED_BY = 0.1
"""Share of the run in which most of the learning happens."""


_TRUE_OF_NOISE = frozenset({"reward-not-improving"})
"""What is right of a run that goes nowhere."""
STUBBORN = 0.9
"""Correlation from step to step beyond what real logs show once their trend is taken out (0 to 0.3, catalogue)."""


@dataclass(frozen=True)
class Noisy:
    """One range of correlations.

    Attributes:
        found: False findings of severity warning or worse, by rule.
        judged: Steps in which each rule could be judged.
        steps: All steps.
    """

    found: Counter[str]
    judged: Counter[str]
    steps: int


def noisy_findings(steps: int) -> tuple[Noisy, Noisy]:
    """Over every algorithm and kind of noise: up to a correlation of 0.6, and at 0.9."""
    real = [cell for cell in ZOO if cell.correlation < STUBBORN]
    stubborn = [cell for cell in ZOO if cell.correlation >= STUBBORN]
    return _noisy(real, steps), _noisy(stubborn, steps)


def _noisy(cells: list[Cell], steps: int) -> Noisy:
    noisy = Noisy(Counter(), Counter(), steps * len(cells) * len(LEVELS))
    for algorithm, levels in LEVELS.items():
        for cell in cells:
            diagnosis = _judge(algorithm, _metrics(levels, cell, steps))
            loud = (finding.rule for finding in diagnosis.findings if finding.severity.rank >= Severity.WARNING.rank)
            noisy.found.update(rule for rule in loud if rule not in _TRUE_OF_NOISE)
            noisy.judged.update(dict.fromkeys(set(diagnosis.evaluated) - _TRUE_OF_NOISE, steps))
    return noisy


def _metrics(levels: dict[str, tuple[float, float, float]], cell: Cell, steps: int) -> dict[str, NDArray[np.float64]]:
    """A whole run's metrics, each with noise of its own."""
    noise = series(Cell(cell.noise, cell.correlation, Shape.FLAT), (len(levels), steps), seed=ZOO.index(cell))
    if cell.noise is Noise.LOGNORMAL:
        noise = (noise - 1.0) / _LOGNORMAL_SPREAD
    learned = 1.0 - np.exp(-np.arange(steps) / (_LEARNED_BY * steps)) if cell.shape is Shape.LEARNING else np.ones(steps)
    made = {}
    for (name, (begin, end, spread)), scatter in zip(levels.items(), noise, strict=True):
        values = begin + (end - begin) * learned + spread * scatter
        if begin > 0:
            values = np.abs(values)
        if name in _SHARES:
            values = np.clip(values, 0.0, 1.0)
            values = np.rint(CASES * values) / CASES if cell.shape is Shape.SHARES else values
        made[name] = values
    return made


def _judge(algorithm: Algorithm, metrics: dict[str, NDArray[np.float64]]) -> Diagnosis:
    store, steps = RunStore("noise"), len(next(iter(metrics.values())))
    start = RunStarted(
        time=0.0, schema_version=1, run_id="noise", algorithm=algorithm, host="noise", pid=1,
        first_step=_RESUMED_AT, max_steps=_RESUMED_AT + steps,
    )  # fmt: skip
    store.add(start, _ORIGIN)
    for index in range(steps):
        values: dict[str, float | None] = {name: float(logged[index]) for name, logged in metrics.items()}
        store.add(Metrics(time=5.0 * index, step=_RESUMED_AT + 1 + index, values=values), _ORIGIN)
    store.add(RunEnded(time=5.0 * steps, step=_RESUMED_AT + steps), _ORIGIN)
    snapshot = store.snapshot(5.0 * steps + 1, (), store.pulse(process_alive=False))
    return Engine().diagnose(snapshot)
