"""Watches for what the log hides: values that are missing, no numbers, impossible, or zeros that nobody computed.

Nothing is replaced and nothing is judged here: the row stands as it was logged, and each fault is written beside it as an
`extraction_error` of its kind. A row without a fault costs a few microseconds: which bounds its keys have and what it lacks
is found out once a set of keys.
"""

from __future__ import annotations

import operator
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, nextafter
from typing import Any

from rldk_tui.events import Algorithm, ExtractionError, ExtractionKind, Phase
from rldk_tui.integrations.trl.launch import config, versions
from rldk_tui.integrations.trl.part import Part, Training
from rldk_tui.integrations.trl.possible import LOSS_IS_NEVER_ZERO, NEVER_ZERO, fault_of, least
from rldk_tui.integrations.trl.values import plain_text, short
from rldk_tui.metrics import CATALOGUE, canonical, lookup
from rldk_tui.metrics.domains import domain
from rldk_tui.metrics.expected import due, never_came_is_missing
from rldk_tui.metrics.generation_cycle import is_of_a_generation, logs_a_generation
from rldk_tui.metrics.metric import GROUPED

_MOST_PLANS = 256
"""Sets of keys that are remembered; a trainer has a handful."""
_OF_A_TRAINING_ROW = ("loss", "learning_rate")
_SAME_NAME = (
    "Give each reward function a name of its own (`function.__name__ = ...`, or a `def` instead of a lambda) before the "
    "trainer is made."
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is looked at in rows of one set of keys.

    Attributes:
        metrics: Catalogue name of each key.
        missing: Metrics that are due and not among them.
        pick: Takes the bounded values out of the row's.
        low, high: Between these a bounded value is above suspicion; the bounds themselves are not.
    """

    metrics: tuple[str, ...]
    missing: tuple[str, ...]
    pick: Callable[[tuple[float | None, ...]], tuple[Any, ...]]
    low: tuple[float, ...]
    high: tuple[float, ...]


class Extraction(Part):
    """Tells each fault of a logged row, once an episode."""

    task = "watch for what the log hides"

    def __init__(self) -> None:
        self._training: Training | None = None
        self._config: Mapping[str, Any] = {}
        self._versions: Mapping[str, str] = {}
        self._plans: dict[tuple[str, ...], Plan] = {}
        self._came: set[str] = set()
        self._reward_keys: tuple[str, ...] = ()
        self._absent: Counter[str] = Counter()

    def begin(self, training: Training) -> None:
        """Which metrics are due depends on trainer, config and version."""
        self._training = training
        self._config = training.border.attempt("read the training arguments", config, training.args) or {}
        self._versions = versions()
        # Online DPO has reward functions as well, and logs none of them
        functions = getattr(training.trainer, "reward_func_names", None) if training.algorithm in GROUPED else None
        names = [str(name) for name in functions or ()]
        self._reward_keys = tuple(dict.fromkeys(f"rewards/{name}/mean" for name in names))
        if training.is_main:
            for name, count in Counter(names).items():
                if count > 1:
                    self._tell_same_name(training, name, count)

    def _tell_same_name(self, training: Training, name: str, count: int) -> None:
        training.recorder.faults.tell(
            ExtractionError(
                time=time.time(),
                metric=plain_text(f"rewards/{name}/mean"),
                message=plain_text(f"{count} reward functions are called {name}: their rewards are logged as one mean"),
                advice=_SAME_NAME,
            ),
            "same name",
        )

    def logged(self, step: int, phase: Phase, values: dict[str, float | None]) -> None:
        """Look at a row."""
        keys = (phase, *values)
        plan = self._plans.get(keys) or self._planned(keys)
        numbers = tuple(values.values())
        try:
            picked = plan.pick(numbers)
            total = sum(numbers)  # type: ignore[arg-type] # None raises, and is looked at
            fine = (
                total - total == 0.0  # neither NaN nor infinite, so no number of the row is
                and all(map(operator.lt, plan.low, picked))
                and all(map(operator.gt, plan.high, picked))
            )
        except TypeError:
            fine = False
        if not fine:
            self._look_closely(step, phase, plan, values)
        if plan.missing or self._absent:
            self._count_absent(step, phase, plan)

    def _planned(self, keys: tuple[str, ...]) -> Plan:
        if len(self._plans) >= _MOST_PLANS:
            self._plans.clear()
        plan = self._plans[keys] = self._plan(Phase(keys[0]), keys[1:])
        return plan

    def _plan(self, phase: Phase, keys: tuple[str, ...]) -> Plan:
        algorithm = self._algorithm
        metrics = tuple(canonical(key) for key in keys)
        bounds = [(index, found) for index, name in enumerate(metrics) if (found := self._above_suspicion(name, algorithm))]
        places = [index for index, _ in bounds]
        return Plan(
            metrics=metrics,
            missing=self._missing(metrics) if phase is Phase.TRAIN else (),
            pick=_taking(places),
            low=tuple(found[0] for _, found in bounds),
            high=tuple(found[1] for _, found in bounds),
        )

    @property
    def _algorithm(self) -> Algorithm | None:
        return None if self._training is None else self._training.algorithm

    @property
    def _k3(self) -> bool:
        return self._config.get("kl_estimator") == "k3"

    def _above_suspicion(self, metric: str, algorithm: Algorithm | None) -> tuple[float, float] | None:
        """An open interval in which a value is fine whatever the row says; None where all are."""
        possible = domain(metric, algorithm)
        low = least(metric, algorithm, k3=self._k3)
        zero_is_suspect = (
            metric in NEVER_ZERO or metric == "grad_norm" or (metric == "loss" and algorithm in LOSS_IS_NEVER_ZERO)
        )
        if metric == "reward_std":
            zero_is_suspect = True
        if zero_is_suspect:
            low = 0.0
        elif low is not None:
            low = nextafter(low, -inf)
        if low is None:
            return None
        high = inf if possible is None or possible[1] == inf else nextafter(possible[1], inf)
        return low, high

    def _missing(self, metrics: tuple[str, ...]) -> tuple[str, ...]:
        """What should be among these: what the trainer logs by itself, and the mean of each reward function."""
        here = frozenset(metrics)
        self._came |= here
        if here.isdisjoint(_OF_A_TRAINING_ROW):
            return ()
        algorithm = self._algorithm
        known = (
            metric.name
            for metric in CATALOGUE
            if metric.expected_in or metric.name == "kl"
            if metric.name not in here and due(metric.name, algorithm, self._config)
        )
        missing = [
            name for name in known if name in self._came or never_came_is_missing(name, algorithm, self._config, self._versions)
        ]
        return (*missing, *(key for key in self._reward_keys if key not in here))

    def _look_closely(self, step: int, phase: Phase, plan: Plan, values: Mapping[str, float | None]) -> None:
        """Every value of a row that is under suspicion."""
        row = dict(zip(plan.metrics, values.values(), strict=True))
        for key, metric in zip(values, plan.metrics, strict=True):
            fault = fault_of(metric, values[key], row, self._algorithm, k3=self._k3)
            if fault is not None:
                self._tell(
                    ExtractionError(
                        time=time.time(),
                        step=step,
                        phase=phase,
                        metric=plain_text(key),
                        kind=ExtractionKind.VALUE,
                        message=plain_text(fault.message),
                        value=short(values[key]),
                        advice=fault.advice,
                    ),
                    fault.name,
                )

    def _count_absent(self, step: int, phase: Phase, plan: Plan) -> None:
        """Tell what was due in this row; what belongs to a generation is due once in a cycle of them.

        What was logged and is no number is told as such, and not missed.
        """
        if phase is not Phase.TRAIN or self._training is None:
            return
        refused = {canonical(item.metric) for item in self._training.recorder.refused}
        for name in [name for name in self._absent if name not in plan.missing]:
            del self._absent[name]
        for name in plan.missing:
            if name in refused:
                continue
            self._absent[name] += 1
            of_generation = is_of_a_generation(name) or name in self._reward_keys
            if self._absent[name] >= (logs_a_generation(self._config) if of_generation else 1):
                self._tell(self._missed(step, phase, name), "missing")

    def _missed(self, step: int, phase: Phase, name: str) -> ExtractionError:
        known = lookup(name)
        how = f" To have it logged: {known.to_log}." if known.to_log and name not in self._came else ""
        title = name if known.title == name else f"{known.title.lower()} ({name})"
        return ExtractionError(
            time=time.time(),
            step=step,
            phase=phase,
            metric=plain_text(name),
            kind=ExtractionKind.MISSING,
            message=plain_text(f"Missing {title}, which this trainer logs by itself"),
            advice=f"Look for an override of `log` or a patch that drops or renames it.{how}",
        )

    def _tell(self, error: ExtractionError, fault: str) -> None:
        if self._training is not None:
            self._training.recorder.faults.tell(error, fault)


def _taking(places: list[int]) -> Callable[[tuple[float | None, ...]], tuple[Any, ...]]:
    """Takes the values at these places, always as a tuple."""
    if len(places) > 1:
        return operator.itemgetter(*places)
    return (lambda row: (row[places[0]],)) if places else (lambda _: ())
