"""How often `RewardModelIntegrator` claims something of rewards whose distribution never changes, by kind of noise.

Every kind is stationary, so each shift, trend and pattern over time that is claimed is a false one. Counted are the calls in
which it is claimed, and the runs in which it is claimed at any of their calls. Heavy tails of a heavy-tailed reward are true;
they are not counted there.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable

import numpy as np

from rldk_tui.analysis.rewards import RewardModelIntegrator, RewardReliability
from rldk_tui.analysis.rewards.patterns import Pattern, PatternName
from rldk_tui.analysis.rewards.stability import Shift
from rldk_tui.statistics.windows import Floats

RUNS, STEPS, ROWS, GROUP = 60, 150, 64, 8
SEED = 910_000
LOOK = 3
"""Every so many steps it is asked; runs count whenever it was."""
_QUIET = frozenset({PatternName.PLATEAU, PatternName.UNCLEAR, PatternName.NOT_ENOUGH})
_TRUE = frozenset({PatternName.HEAVY_TAILED.value})
"""What is so of some of the kinds."""

Noise = Callable[[np.random.Generator], Floats]


def wandering(rng: np.random.Generator, correlation: float, share: float) -> Floats:
    """Gaussian rewards about a level that wanders by itself; shape (steps, rows)."""
    level = np.empty(STEPS)
    level[0] = rng.normal()
    for step in range(1, STEPS):
        level[step] = correlation * level[step - 1] + np.sqrt(1 - correlation**2) * rng.normal()
    return np.asarray(share * level[:, None] + rng.normal(size=(STEPS, ROWS)))


def prompts(rng: np.random.Generator, between: float) -> Floats:
    """Groups of replies to prompts that differ in difficulty."""
    asked = np.repeat(rng.normal(size=(STEPS, ROWS // GROUP)), GROUP, axis=1)
    return np.asarray(np.sqrt(between) * asked + np.sqrt(1 - between) * rng.normal(size=(STEPS, ROWS)))


KINDS: dict[str, Noise] = {
    "independent, normal": lambda rng: rng.normal(size=(STEPS, ROWS)),
    "half the variance between prompts": lambda rng: prompts(rng, 0.5),
    "nine tenths between prompts": lambda rng: prompts(rng, 0.9),
    "level wanders, correlation 0.6": lambda rng: wandering(rng, 0.6, 0.3),
    "level wanders, correlation 0.9": lambda rng: wandering(rng, 0.9, 0.3),
    "lognormal": lambda rng: rng.lognormal(size=(STEPS, ROWS)),
    "Student t, 3 degrees": lambda rng: rng.standard_t(3, size=(STEPS, ROWS)),
    "pass or fail, 30 %": lambda rng: rng.binomial(1, 0.3, size=(STEPS, ROWS)).astype(np.float64),
    "five values": lambda rng: rng.binomial(4, 0.5, size=(STEPS, ROWS)) / 4.0,
}


def claims(found: RewardReliability) -> set[str]:
    """What is claimed in one call."""
    told = {"trend"} if found.trend.direction else set()
    if found.stability.verdict in (Shift.MODERATE, Shift.LARGE):
        told.add("shift")
    if found.anomalies:
        told.add("anomaly")
    patterns: tuple[Pattern, ...] = (found.pattern, *found.pattern.also)
    return told | {one.name.value for one in patterns if one.name not in _QUIET}


def main() -> None:
    """Print a table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    for kind, (name, noise) in enumerate(KINDS.items()):
        calls: Counter[str] = Counter()
        ever: Counter[str] = Counter()
        looks = wrong = 0
        for run in range(runs):
            rewards = noise(np.random.default_rng((SEED, kind, run)))
            integrator, claimed = RewardModelIntegrator(), set[str]()
            for step, batch in enumerate(rewards):
                asked = [f"{step} {row // GROUP}" for row in range(ROWS)]
                told = claims(integrator.monitor_reward_model(batch, step, asked))
                if step % LOOK == 0:
                    calls.update(told)
                    looks += 1
                claimed |= told
            ever.update(claimed)
            wrong += bool(claimed - _TRUE - {"shift"})
        found = ", ".join(f"{claim} {calls[claim] / looks:.2%} ({ever[claim]}/{runs} runs)" for claim in sorted(ever))
        print(f"{name}: {found or 'nothing'}; any but a shift in {wrong}/{runs} runs", flush=True)


if __name__ == "__main__":
    main()
