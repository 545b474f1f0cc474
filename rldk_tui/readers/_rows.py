"""Rows of names and values, as any framework logs them, become metrics: which cell is the step, the clock, a metric.

A row tells its step under one of many names (`_STEPS`, the surest first). Rows without any are numbered by their order, and
that doubt is told. What a row says of an evaluation is kept apart from what it says of training. Where the steps go back and
the same metrics are logged again, another training began in the same file; the same step twice is no such thing, and neither
is an evaluation that is told late.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec

from rldk_tui.events import LAST_STEP, SCHEMA_VERSION, Json, Metrics, Phase, ReadProblem, RunDescribed, RunStarted
from rldk_tui.metrics import CATALOGUE, canonical, framework_from_keys
from rldk_tui.readers import Read
from rldk_tui.readers._numbers import number, unix_time

MOST_METRICS = 2000
"""Different metrics of one file that are kept; a trainer logs some hundred."""
_DEEPEST = 6

_STEPS = (
    "train/global_step",
    "trainer/global_step",
    "training/global_step",
    "global_step",
    "global_step/max_steps",
    "current_steps",
    "step",
    "training_step",
    "iteration",
    "timesteps_total",
    "time/total_timesteps",
    "total_timesteps",
    "num_timesteps",
    "timesteps",
    "timestep",
    "training_iteration",
    "_step",
    "total_steps",
)
_LAST_RESORT = len(_STEPS) - 1
"""`total_steps` is the goal beside another step, and the step without one."""
_TIMES = ("_timestamp", "timestamp", "time", "ts", "wall_time", "created_at", "datetime")
_GOALS = ("max_steps",)
_NO_METRIC = frozenset(
    {
        *("percentage", "elapsed_time", "remaining_time", "progress", "done", "_runtime", "_wandb", "pid", "seed", "rank"),
        *("trial_id", "experiment_id", "run_id", "date", "hostname", "node_ip", "experiment_tag", "id", "index", "uuid"),
    }
)
_NOT_ENTERED = frozenset({"config", "hist_stats", "episode_media", "_wandb", "usage", "metadata", "evidence"})
"""Objects within a row that hold settings and samples."""
_UNWRAPPED = frozenset({"data", "metrics", "logs", "scalars"})
"""Objects that hold the row itself: verl's file logger writes `{"step": 1, "data": {…}}`."""
_EVALUATION = re.compile(r"(?:eval|evaluation|test|valid|validation)/|(?:eval|val|valid|validation|test)_(?=[a-z])|val-\w+/")
_TRAINING = re.compile(r"(?:train|training)/")
_BESIDE_AN_EVALUATION = frozenset({"epoch", "memory(GiB)", "train_speed(iter/s)"})
"""What a row of an evaluation says besides, which makes it none of training."""
_SUMMARY = frozenset({"train_runtime", "train/train_runtime"})
_TELLING = re.compile(
    r"loss|reward|accuracy|(?:^|[/_])(?:acc|kl|lr|nll|perplexity|entropy|grad_norm|learning_rate|score)(?:$|[/_])"
)
_KNOWN = frozenset(alias for metric in CATALOGUE for alias in (metric.name, *metric.aliases))


class _Is(Enum):
    STEP = "step"
    TIME = "time"
    GOAL = "goal"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class _Role:
    """What a column is. `rank` is the place of a step or clock among its alternatives, the surest 0."""

    what: _Is | Phase
    name: str = ""
    rank: int = 0


def _plain(key: str) -> str:
    return key.strip().lower().replace(" ", "_")


def _role(key: str) -> _Role:
    plain = _plain(key)
    if plain in _STEPS:
        return _Role(_Is.STEP, rank=_STEPS.index(plain))
    if plain in _TIMES:
        return _Role(_Is.TIME, rank=_TIMES.index(plain))
    if plain in _GOALS:
        return _Role(_Is.GOAL)
    if plain in _NO_METRIC or not plain:
        return _Role(_Is.NOTHING)
    evaluation = _EVALUATION.match(key)
    if evaluation:
        return _Role(Phase.EVAL, key[evaluation.end() :] or key)
    training = _TRAINING.match(key)
    return _Role(Phase.TRAIN, key[training.end() :] or key if training else key)


def tells_of_training(row: Mapping[str, Json]) -> bool:
    """Whether an object is a row of a training log: numbers beside a step, or, without one, numbers that trainings log."""
    cells = [(key, value) for key, value in flattened(row) if number(value) is not None]
    roles = [(_role(key), key) for key, _ in cells]
    metrics = [key for role, key in roles if isinstance(role.what, Phase)]
    if any(role.what is _Is.STEP for role, _ in roles):
        return any(_plain(key) not in ("epoch", "batch") for key in metrics)
    return any(_TELLING.search(key.lower()) or canonical(key) in _KNOWN for key in metrics if key != "epoch")


def flattened(row: Mapping[str, Json], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Json]]:
    """The cells of a row, those of the objects in it with the object's name and a slash before their own."""
    for key, value in row.items():
        name = str(key)
        if not isinstance(value, dict):
            yield prefix + name, value
        elif name not in _NOT_ENTERED and depth < _DEEPEST and "_type" not in value:
            yield from flattened(value, prefix if name in _UNWRAPPED else f"{prefix}{name}/", depth + 1)


class Taken(msgspec.Struct, frozen=True, array_like=True):
    """What the rows of a file that were taken mean for those that follow."""

    keys: tuple[str, ...]
    reached: dict[str, int]
    goal: int | None
    framework: str | None
    begun: bool
    ordered: bool
    doubted: bool
    told_of_too_many: bool
    step: int | None


class Rows:
    """Takes the rows of one file in order."""

    def __init__(self, source: str, *, nulls: bool = False) -> None:
        """Start a file.

        Args:
            source: What it is called in problems.
            nulls: Whether a null is a value that could not be measured (W&B leaves out what was not logged); elsewhere it
                fills a column that has nothing to say.
        """
        self._source = source
        self._nulls = nulls
        self._roles: dict[str, _Role] = {}
        self._metrics = 0
        self._reached: dict[str, int] = {}
        self._goal: int | None = None
        self._framework: str | None = None
        self._looked_at = 0
        self._begun = False
        self._ordered = False
        self._doubted = False
        self.step: int | None = None

    def taken(self) -> Taken:
        """What another needs to go on with the next row."""
        return Taken(
            keys=tuple(self._roles),
            reached=self._reached,
            goal=self._goal,
            framework=self._framework,
            begun=self._begun,
            ordered=self._ordered,
            doubted=self._doubted,
            told_of_too_many=math.isinf(self._metrics),
            step=self.step,
        )

    def go_on(self, taken: Taken) -> None:
        """Be where another was that took these rows."""
        for key in taken.keys:
            self._learnt(key)
        self._looked_at = len(self._roles)
        self._metrics = math.inf if taken.told_of_too_many else self._metrics  # type: ignore[assignment]
        self._reached, self._goal, self._framework = dict(taken.reached), taken.goal, taken.framework
        self._begun, self._ordered, self._doubted = taken.begun, taken.ordered, taken.doubted
        self.step = taken.step

    def take(
        self, row: Mapping[str, Json], line: int | None = None, at: int | None = None, *, counted: bool = False
    ) -> Iterator[Read]:
        """The events one row tells, the training's before the evaluation's.

        Args:
            row: Names and values.
            line: Where it stands, for problems.
            at: Its step, where something else than its cells tells it.
            counted: Whether that is the number of the row rather than a step.
        """
        yield from self.begin()
        told, time, goal, values = self._sorted_out(row)
        step = told if at is None else at
        step, goal = (self.step, None) if self._of_another_loop(step, goal, values) else (step, goal)
        yield from self._told_framework()
        yield from self._told_goal(goal, step)
        if not any(values.values()):
            return
        if step is None:
            step = self._step_of_a_row_without(row)
            counted = self._ordered
            if step is None or not self._doubted:
                self._doubted = self._doubted or step is not None
                yield self._problem_of_step(step, line)
            if step is None:
                return
        if _SUMMARY & row.keys():
            values = {Phase.FINAL: values[Phase.TRAIN], Phase.EVAL: values[Phase.EVAL]}
        elif self._begins_anew(step, _with_loss(values[Phase.TRAIN])):
            yield another_training(self._source)
        self.step = step
        for phase, cells in values.items():
            if cells:
                yield Metrics(time=time, step=step, phase=phase, values=cells, counted=counted)

    def _of_another_loop(self, step: int | None, goal: int | None, values: dict[Phase, dict[str, float | None]]) -> bool:
        """Whether a row counts the batches of an evaluation: it goes back, to a goal that training has passed."""
        known = step is not None and goal is not None and self.step is not None
        return known and not values[Phase.TRAIN] and goal < self.step and step < self.step  # type: ignore[operator]

    def _begins_anew(self, step: int, train: Mapping[str, float | None]) -> bool:
        """Whether a metric that was logged at a later step is logged again: another training in the same file."""
        anew = any(self._reached.get(name, -1) > step for name in train)
        if anew:
            self._reached.clear()
        for name in train:
            self._reached[name] = step
        return anew

    def begin(self) -> Iterator[RunDescribed]:
        """Says, before the first row, that the file does not know the process it tells of."""
        if not self._begun:
            self._begun = True
            yield RunDescribed(time=math.nan)

    def passed(self, step: int, names: Iterable[str]) -> None:
        """These metrics of training were logged up to this step."""
        self._reached.update(dict.fromkeys(names, step))

    def reached(self) -> int:
        """The largest step a row told since this training began in the file; -1 before the first."""
        return max(-1 if self.step is None else self.step, max(self._reached.values(), default=-1))

    def places(self, keys: Sequence[str]) -> tuple[int, int | None, list[tuple[int, Phase, str]]]:
        """Where in rows of these keys the step is, the clock, and every metric with its phase and name.

        Raises:
            ValueError: if such rows must be looked at one by one: they tell no step, or more than steps and metrics.
        """
        roles = [self._roles.get(key) or self._learnt(key) for key in keys]
        steps = sorted((role.rank, index) for index, role in enumerate(roles) if role.what is _Is.STEP)
        times = [index for index, role in enumerate(roles) if role.what is _Is.TIME]
        metrics = [(index, role.what, role.name) for index, role in enumerate(roles) if isinstance(role.what, Phase)]
        names = {name for _, _, name in metrics}
        goal = any(role.what is _Is.GOAL for role in roles) or (len(steps) > 1 and steps[-1][0] == _LAST_RESORT)
        distinct = len({(phase, name) for _, phase, name in metrics}) == len(metrics)
        plain = bool(steps and metrics) and not goal and len(times) < 2 and distinct
        beside = names & _BESIDE_AN_EVALUATION and any(phase is Phase.EVAL for _, phase, _ in metrics)
        if not plain or beside or _SUMMARY & set(keys) or "train_loss" in names:
            raise ValueError("rows of these keys are read one by one")
        return steps[0][1], times[0] if times else None, metrics

    def _sorted_out(
        self, row: Mapping[str, Json]
    ) -> tuple[int | None, float, int | None, dict[Phase, dict[str, float | None]]]:
        """Step, time, goal and the metrics of a row by phase."""
        steps: dict[int, int] = {}
        times: dict[int, float] = {}
        goal: int | None = None
        values: dict[Phase, dict[str, float | None]] = {Phase.TRAIN: {}, Phase.EVAL: {}}
        for key, value in flattened(row):
            role = self._roles.get(key) or self._learnt(key)
            if isinstance(role.what, Phase):
                told = number(value)
                if told is not None or (value is None and self._nulls):
                    values[role.what][role.name] = told
            elif role.what is _Is.STEP and (found := whole(value)) is not None:
                steps[role.rank] = found
                goal = _goal_in(value) or goal
            elif role.what is _Is.TIME:
                times[role.rank] = unix_time(value)
            elif role.what is _Is.GOAL:
                goal = whole(value) or goal
        if len(steps) > 1:
            goal = steps.pop(_LAST_RESORT, None) or goal
        if values[Phase.EVAL] and values[Phase.TRAIN].keys() <= _BESIDE_AN_EVALUATION:
            values[Phase.TRAIN] = {}
        known = {rank: time for rank, time in times.items() if not math.isnan(time)}
        return steps[min(steps)] if steps else None, known[min(known)] if known else math.nan, goal, values

    def _learnt(self, key: str) -> _Role:
        role = _role(key)
        if isinstance(role.what, Phase):
            self._metrics += 1
            if self._metrics > MOST_METRICS:
                return _Role(_Is.NOTHING)  # not remembered either: names are as hostile as numbers
        self._roles[key] = role
        return role

    def begin_anew(self) -> Iterator[RunStarted]:
        """Another training begins in the file, unless none of this one was taken yet."""
        if self.step is not None:
            self.step = None
            self._reached.clear()
            yield another_training(self._source)

    def _problem_of_step(self, guessed: int | None, line: int | None) -> ReadProblem:
        """That a row tells no step, and whether one was guessed."""
        if guessed is None:
            return ReadProblem(source=self._source, message=NO_STEP, line=line)
        return ReadProblem(source=self._source, message=ORDER_DOUBT, line=line, steps_untold=True)

    def too_many(self) -> ReadProblem | None:
        """Tells once that the file has more metrics than are kept."""
        if self._metrics <= MOST_METRICS or math.isinf(self._metrics):
            return None
        self._metrics = math.inf  # type: ignore[assignment]
        return ReadProblem(source=self._source, message=f"more than {MOST_METRICS} metrics: the rest was left out")

    def _told_framework(self) -> Iterator[RunDescribed]:
        """Whose columns of steps these are, once."""
        if len(self._roles) != self._looked_at:
            self._looked_at = len(self._roles)
            framework = framework_from_keys(frozenset(self._roles)) if self._framework is None else None
            if framework is not None:
                self._framework = framework
                yield RunDescribed(time=math.nan, trainer=framework)

    def _told_goal(self, goal: int | None, step: int | None) -> Iterator[RunDescribed]:
        if goal is not None and goal != self._goal and goal >= (step or 0):
            self._goal = goal
            yield RunDescribed(time=math.nan, max_steps=goal)

    def _step_of_a_row_without(self, row: Mapping[str, Json]) -> int | None:
        """The step the last row told for a summary, the next number where no row tells one, else None."""
        if self.step is None:
            self._ordered = True
        if not self._ordered:
            return self.step if _SUMMARY & row.keys() else None
        if _SUMMARY & row.keys():
            return self.step or 0
        return (self.step or 0) + 1


def _with_loss(cells: dict[str, float | None]) -> dict[str, float | None]:
    """The cells of a row that is no summary: a loss called `train_loss` is the loss there."""
    if "train_loss" in cells and "loss" not in cells:
        cells["loss"] = cells.pop("train_loss")
    return cells


NO_STEP = "a row tells no step and was left out"
ORDER_DOUBT = "its rows tell no step: they are numbered by their order, times logging_steps where that is known"


def another_training(source: str) -> RunStarted:
    """Says that the rows that follow in this source are of another training."""
    return RunStarted(time=math.nan, schema_version=SCHEMA_VERSION, run_id=source)


def whole(value: object) -> int | None:
    """A step: a whole number that is possible, also as text and as the first part of "10/438"; None for anything else."""
    if isinstance(value, str):
        value = value.partition("/")[0]
    told = number(value)
    if told is None or not 0 <= told <= LAST_STEP or told != int(told):
        return None
    return int(told)


def _goal_in(value: object) -> int | None:
    """The second part of "10/438"."""
    return whole(value.partition("/")[2]) if isinstance(value, str) and "/" in value else None
