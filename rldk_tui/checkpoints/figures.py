"""The numbers by which a checkpoint is judged, by the names of `metrics/checkpoints.py`.

They are what an analysis writes into a run's log and what its own issues are made of, so that both say the same. A figure
that could not be measured is absent: nothing to compare with is no change of 0.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from rldk_tui.checkpoints.reference import Reference
from rldk_tui.checkpoints.roles import ADAPTERS, Place, Role, place_of
from rldk_tui.checkpoints.survey import TensorStatistics
from rldk_tui.checkpoints.trace import Movement, TensorTrace, movement
from rldk_tui.statistics.spread import middle_and_spread

MOST_NAMES = 8
_FEWEST_CHANGES = 4
"""Tensors that tell what change is usual among them."""
_LEAST_SPREAD = 0.05
"""Of the logarithms: changes within 5 % of each other are alike, however exactly they agree."""
_STEPS = 100.0
"""Steps that changes are told for."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A value, and the tensors it is about, the worst first."""

    value: float
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A checkpoint's tensors against an earlier one's.

    Attributes:
        steps: From the earlier to this one; None if either's step is not known.
        movements: By name; tensors that only one of the two has, or with another shape, are not in it.
    """

    steps: int | None
    movements: Mapping[str, Movement]


def compared(tensors: Iterable[TensorStatistics], step: int | None, earlier: Reference) -> Compared:
    """How far every tensor moved since an earlier checkpoint."""
    movements = {}
    for one in tensors:
        before = earlier.traces.get(one.name)
        moved = None if one.trace is None or before is None else movement(before, one.trace)
        if moved is not None:
            movements[one.name] = moved
    return Compared(steps=None if step is None else step - earlier.step, movements=movements)


def of_numbers(tensors: Iterable[TensorStatistics]) -> dict[str, Figure]:
    """What the weights tell by themselves."""
    weights = [one for one in tensors if one.is_weight]
    known = [one for one in weights if one.moments is not None]
    figures = {}
    if known:
        broken = sorted((one for one in known if one.nonfinite), key=lambda one: -one.nonfinite)
        figures["checkpoint/nonfinite_tensors"] = Figure(float(len(broken)), _names(one.name for one in broken))
    modules = [one for one in known if one.place.role is Role.ADAPTER_B]
    if modules:
        zero = [one.name for one in modules if one.moments is not None and one.moments.zeros == one.moments.count]
        figures["checkpoint/lora_b_zero"] = Figure(len(zero) / len(modules), _names(zero))
    return figures


def of_change(change: Compared, since_first: Compared | None = None) -> dict[str, Figure]:
    """What the change since the checkpoint before tells.

    Args:
        change: Of the checkpoint against the one before it.
        since_first: Against the run's first; None if there is none. It tells which tensors came back: after a bad save the
            next good one moves as far as that had, and the bad one alone is to be told.
    """
    figures = {}
    if change.steps is not None:
        figures["checkpoint/steps_since"] = Figure(float(change.steps))
    largest = _largest_change(change.movements)
    if largest is not None:
        figures["checkpoint/largest_change"] = largest
    if change.steps:
        figures.update(_outlier(change, _came_back(change, since_first)))
    return figures


def _largest_change(movements: Mapping[str, Movement]) -> Figure | None:
    """Of the tensor that changed most; one that was zero and is not any more has changed entirely."""
    relative = {name: 1.0 if moved.grown_from_zero else moved.relative for name, moved in movements.items()}
    known = {name: value for name, value in relative.items() if math.isfinite(value)}
    untold = [name for name, moved in movements.items() if not math.isfinite(relative[name]) and moved.square_before > 0]
    if not known or (untold and max(known.values()) == 0.0):
        return None  # something did change, by how much is not known
    worst = max(known, key=lambda name: known[name])
    return Figure(known[worst], (worst,))


def _came_back(change: Compared, since_first: Compared | None) -> frozenset[str]:
    """Tensors that are nearer to the run's first checkpoint than to the one before, by half at least."""
    if since_first is None:
        return frozenset()
    moved, first = change.movements, since_first.movements
    return frozenset(name for name in moved if name in first and first[name].relative < moved[name].relative / 2)


def _outlier(change: Compared, without: frozenset[str]) -> dict[str, Figure]:
    """The matrix whose change stands out most among the changes of its like."""
    rates: dict[str, dict[str, float]] = defaultdict(dict)
    for name, moved in change.movements.items():
        like = _like(place_of(name))
        if like is not None and name not in without and math.isfinite(moved.relative) and moved.relative > 0:
            rates[like][name] = moved.relative * _STEPS / (change.steps or 1)
    found = [outlier for alike in rates.values() if (outlier := _outlier_among(alike)) is not None]
    if not found:
        return {}
    change_of_it, z = max(found, key=lambda outlier: outlier[1].value)
    return {"checkpoint/change_outlier": change_of_it, "checkpoint/change_outlier_z": z}


def _like(place: Place) -> str | None:
    """Tensors that move alike: LoRA's two matrices each by themselves, all other matrices together.

    Left out are vectors (biases begin at zero and grow, gains have a figure of their own) and value heads, which are new.
    """
    if place.role in {Role.NORM, Role.ATTENTION_NORM, Role.VALUE_HEAD, Role.ADAPTER} or place.kind.endswith("bias"):
        return None
    return place.role.value if place.role in ADAPTERS else "weights"


def _outlier_among(rates: Mapping[str, float]) -> tuple[Figure, Figure] | None:
    """The change that stands out most, and its robust z among the logarithms; None among too few."""
    if len(rates) < _FEWEST_CHANGES:
        return None
    names = list(rates)
    logarithms = np.log(np.array([rates[name] for name in names]))
    middle, spread = middle_and_spread(logarithms[None], _LEAST_SPREAD, 0.0)
    z = (logarithms - middle[0]) / spread[0]
    order = np.argsort(-z, kind="stable")
    about = _names(names[index] for index in order[:MOST_NAMES] if z[index] > z[order[0]] / 2)
    return Figure(rates[names[order[0]]], about), Figure(float(z[order[0]]), about)


def since_beginning(
    tensors: Iterable[TensorStatistics], base: Reference, change: Compared, *, gain_offset: float = 0.0
) -> dict[str, Figure]:
    """What the change since the run's beginning tells.

    Args:
        tensors: Of the checkpoint.
        base: The beginning.
        change: Of the checkpoint against it.
        gain_offset: What the model adds to a stored gain before it multiplies with it: 1 in Gemma.
    """
    traced = {one.name: one.trace for one in tensors if one.trace is not None and one.name in change.movements}
    pairs = {name: (base.traces[name], trace) for name, trace in traced.items()}
    return {**_died(pairs), **_spectra(pairs), **_gains(pairs, gain_offset)}


_Pairs = Mapping[str, tuple[TensorTrace, TensorTrace]]


def _died(pairs: _Pairs) -> dict[str, Figure]:
    rows, died = 0, {}
    for name, (before, after) in pairs.items():
        if place_of(name).role in ADAPTERS:
            continue  # B begins at zero, and has a figure of its own
        if before.dead is not None and after.dead is not None and before.dead.size == after.dead.size:
            rows += after.dead.size
            died[name] = int(np.count_nonzero(after.dead & ~before.dead))
    if not rows:
        return {}
    worst = sorted((name for name in died if died[name]), key=lambda name: -died[name])
    return {"checkpoint/newly_dead_rows": Figure(sum(died.values()) / rows, _names(worst))}


def _spectra(pairs: _Pairs) -> dict[str, Figure]:
    growth = {
        name: after.largest_singular / before.largest_singular
        for name, (before, after) in pairs.items()
        if _both(before, after)
    }
    kept = {name: after.stable_rank / before.stable_rank for name, (before, after) in pairs.items() if _both(before, after)}
    if not growth:
        return {}
    most, least = sorted(growth, key=lambda name: -growth[name]), sorted(kept, key=lambda name: kept[name])
    return {
        "checkpoint/spectral_growth": Figure(growth[most[0]], (most[0],)),
        "checkpoint/stable_rank_kept": Figure(kept[least[0]], (least[0],)),
    }


def _both(before: TensorTrace, after: TensorTrace) -> bool:
    return before.largest_singular > 0 and after.largest_singular > 0 and before.stable_rank > 0


def _gains(pairs: _Pairs, offset: float) -> dict[str, Figure]:
    drifts: dict[str, float] = {}
    flips: dict[str, int] = defaultdict(int)
    gains = 0
    for name, before, after in _gain_vectors(pairs, offset):
        drifts[name] = float(np.median(np.abs(after - before) / np.abs(before)))
        flips[name] = int(np.count_nonzero(before * after < 0))
        gains += before.size
    if not drifts:
        return {}
    worst = max(drifts, key=lambda name: drifts[name])
    turned = sorted((name for name in flips if flips[name]), key=lambda name: -flips[name])
    return {
        "checkpoint/gain_drift": Figure(drifts[worst], (worst,)),
        "checkpoint/gain_sign_flips": Figure(sum(flips.values()) / gains, _names(turned)),
    }


def _gain_vectors(pairs: _Pairs, offset: float) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Gains before and after, where both are finite and the earlier one is not zero."""
    for name, (before, after) in pairs.items():
        if place_of(name).role is Role.NORM and not name.endswith(("bias", "beta")):
            old, new = before.samples.astype(np.float64) + offset, after.samples.astype(np.float64) + offset
            usable = np.isfinite(old) & np.isfinite(new) & (old != 0)
            if usable.any():
                yield name, old[usable], new[usable]


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(names)[:MOST_NAMES]
