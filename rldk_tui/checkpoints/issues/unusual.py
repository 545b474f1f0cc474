"""Weights that are large, or vary much, for what they are.

No constant separates large weights from others: the right size depends on the width, the initialisation and the place in
the network. So a tensor is compared with itself in the run's beginning, and where no beginning is known with the tensors of
the other layers that do the same.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

from rldk_tui.checkpoints import words
from rldk_tui.checkpoints.issues.issue import Check, CheckpointIssue, Evidence, listed, to
from rldk_tui.checkpoints.limits import FEWEST_LAYERS, LARGE_FACTOR, LARGE_HISTORY, LARGE_Z
from rldk_tui.checkpoints.roles import ADAPTERS, Role
from rldk_tui.checkpoints.survey import TensorStatistics
from rldk_tui.checkpoints.trace import TensorTrace
from rldk_tui.events import Severity
from rldk_tui.scoring import Family
from rldk_tui.statistics.spread import middle_and_spread

_Size = Callable[[TensorTrace], float]
_SHOWN = 8
_LEAST_SPREAD = 0.05


def _largest(trace: TensorTrace) -> float:
    return trace.largest


def _spread(trace: TensorTrace) -> float:
    """The root mean square: of weights, whose mean is next to nothing, their standard deviation."""
    return math.sqrt(trace.square_sum / max(1, math.prod(trace.shape)))


def _matrices(evidence: Evidence) -> Iterator[tuple[TensorStatistics, TensorTrace]]:
    """Trained matrices of the model itself; adapters and value heads begin near zero and are meant to grow."""
    for one in evidence.tensors:
        if one.trace is not None and len(one.shape) > 1 and one.place.role not in {Role.VALUE_HEAD, *ADAPTERS}:
            yield one, one.trace


def _has_company(evidence: Evidence) -> bool:
    layers = {one.place.layer for one, _ in _matrices(evidence)}
    return evidence.base is not None or len(layers) >= FEWEST_LAYERS


def _against_history(evidence: Evidence, size: _Size) -> dict[str, float]:
    """How many times its size in the beginning a tensor has, where that is beyond the limit."""
    earlier = {} if evidence.base is None else evidence.base.traces
    factors = {
        one.name: size(trace) / size(earlier[one.name])
        for one, trace in _matrices(evidence)
        if one.name in earlier and earlier[one.name].shape == trace.shape and size(earlier[one.name]) > 0
    }
    return {name: factor for name, factor in factors.items() if factor > LARGE_HISTORY}


def _against_layers(evidence: Evidence, size: _Size) -> dict[str, float]:
    """How many times the median of the other layers a tensor has, where it stands out."""
    kinds: dict[str, dict[str, float]] = defaultdict(dict)
    for one, trace in _matrices(evidence):
        if one.place.layer is not None and size(trace) > 0:
            kinds[one.place.kind][one.name] = size(trace)
    found = {}
    for sizes in kinds.values():
        if len(sizes) >= FEWEST_LAYERS:
            logarithms = np.log(np.array(list(sizes.values())))
            middle, spread = middle_and_spread(logarithms[None], _LEAST_SPREAD, 0.0)
            for name, logarithm in zip(sizes, logarithms, strict=True):
                if logarithm - middle[0] > max(LARGE_Z * spread[0], math.log(LARGE_FACTOR)):
                    found[name] = math.exp(logarithm - middle[0])
    return found


def _judge(evidence: Evidence, rule: str, what: str, size: _Size) -> Iterable[CheckpointIssue]:
    if evidence.base is not None:
        found, than, limit = _against_history(evidence, size), "of its own in the beginning", LARGE_HISTORY
    else:
        found, than, limit = _against_layers(evidence, size), "of the other layers' median", LARGE_FACTOR
    if found:
        names = tuple(sorted(found, key=lambda name: -found[name]))
        yield CheckpointIssue(
            rule=rule,
            severity=Severity.WARNING,
            message=f"{what} is {found[names[0]]:.3g} times that {than} (limit {limit:g}){listed(names)}.",
            tensors=names[:_SHOWN],
            advice=(
                to("Compare these tensors with an earlier checkpoint: rldk checkpoints EARLIER THIS."),
                to(words.HOLD_DOWN, "weight_decay", "0.01", evidence.setting("weight_decay")),
            ),
        )


CHECKS = tuple(
    Check(
        rule=rule,
        family=Family.CHECKPOINT,
        ceiling=Severity.WARNING,
        evaluable=_has_company,
        judge=partial(_judge, rule=rule, what=what, size=size),
    )
    for rule, what, size in (
        ("large-weights", "The largest weight of a matrix", _largest),
        ("high-variance", "The spread of a matrix's weights", _spread),
    )
)
