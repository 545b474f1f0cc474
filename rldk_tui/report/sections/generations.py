"""What the model wrote: the best, the worst and the longest of the last log, and how it changed over time."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rldk_tui.analysis.generations import MeasuredCompletion, measure, why_none, worst_first
from rldk_tui.analysis.gibberish import DISORDER
from rldk_tui.charts.line_chart import LineChart
from rldk_tui.events import Completions
from rldk_tui.metrics import title
from rldk_tui.report.figures import metric_chart
from rldk_tui.report.sections import Section
from rldk_tui.report.texts import Text, beginning
from rldk_tui.session import RunHealth

LONGEST_PROMPT = 600
LONGEST_COMPLETION = 1500
"""Characters shown of a text; how many more there are is said."""
_OVER_TIME = (
    ("completions/mean_length", "samples/length_mean"),
    ("samples/unique_in_group",),
    ("samples/distinct_2",),
    ("samples/repeating",),
    ("samples/gibberish",),
)
"""Length and diversity: of each, the first metric there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One generation.

    Attributes:
        why: Why it is shown.
        reward: The sum of its rewards; None if nobody could score it.
        rewards: Each reward function's.
        length: In tokens, where the trainer said so.
        repetition: Share of repeated 4-grams of words.
        gibberish: Whether its characters stand in no order that the run's own text has; None where that cannot be told.
    """

    why: str
    step: int
    prompt: Text
    completion: Text
    reward: float | None
    rewards: tuple[tuple[str, float | None], ...]
    advantage: float | None
    length: int | None
    truncated: bool | None
    words: int
    repetition: float | None
    gibberish: bool | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """A measure of the generations over time."""

    title: str
    chart: LineChart


@dataclass(frozen=True, slots=True)
class Generations:
    """Samples of the run.

    Attributes:
        step: The last step whose generations were logged; None without any.
        steps, rows: How many steps and generations were logged.
        samples: Of that step.
        then_and_now: One prompt at its first and its last log; empty if no prompt came twice.
        missing: Why there are none and how to get some.
        courses: Length and diversity over time.
    """

    step: int | None
    steps: int
    rows: int
    samples: tuple[Sample, ...]
    then_and_now: tuple[Sample, ...]
    missing: str | None = None
    courses: tuple[Course, ...] = ()


def build(health: RunHealth) -> Generations | None:
    """None for trainers that sample nothing, and for foreign ones; without a log the section says how to get one."""
    logs = [log for log in health.snapshot.completions if log.rows]
    if not logs:
        info = health.snapshot.info
        foreign = info.algorithm is None and info.trainer is not None
        missing = None if foreign else why_none(info.algorithm)
        return None if missing is None else Generations(None, 0, 0, (), (), missing)
    on_record = [logged for logged in health.snapshot.generations if logged.count]
    last = logs[-1]
    return Generations(
        step=last.step,
        steps=len(on_record),
        rows=sum(logged.count for logged in on_record),
        samples=tuple(_judged(sample, health) for sample in _extremes(last)),
        then_and_now=tuple(_judged(sample, health) for sample in _then_and_now(logs)),
        courses=_courses(health),
    )


def _courses(health: RunHealth) -> tuple[Course, ...]:
    logged = set(health.snapshot.metric_names())
    names = (next((name for name in choice if name in logged), None) for choice in _OVER_TIME)
    series = (health.snapshot.series(name) for name in names if name is not None)
    return tuple(Course(title(one.name), metric_chart(one, health)) for one in series if len(one) > 1)


def _extremes(log: Completions) -> tuple[Sample, ...]:
    measured = measure(log)
    scored = [row for row in worst_first(measured) if row.reward is not None]
    longest = max(measured, key=_length)
    looping = max(measured, key=lambda row: row.repetition or 0.0)
    if not scored:
        chosen = [("longest", longest)]
    elif scored[0].reward == scored[-1].reward:
        chosen = [("all rewards equal", scored[0]), ("longest", longest)]
    else:
        chosen = [("best reward", scored[-1]), ("worst reward", scored[0]), ("longest", longest)]
    if (looping.repetition or 0.0) > 0:
        chosen.append(("most repetitive", looping))
    unscored = [("no reward", row) for row in measured if row.reward is None][: 1 if scored else 0]
    seen: dict[int, Sample] = {}
    for why, row in [*chosen, *unscored]:
        known = seen.get(id(row))
        seen[id(row)] = _sample(why if known is None else f"{known.why}, {why}", log.step, row)
    return tuple(seen.values())


def _judged(sample: Sample, health: RunHealth) -> Sample:
    disorder = health.disorder(sample.completion.shown)
    return sample if disorder is None else replace(sample, gibberish=disorder > DISORDER)


def _length(row: MeasuredCompletion) -> tuple[int, int]:
    return (row.completion.length or 0, len(row.completion.completion))


def _then_and_now(logs: list[Completions]) -> tuple[Sample, ...]:
    """The earliest and the latest reply to a prompt of the last log that was sampled in an earlier one too.

    Of a long run only the steps in memory are looked through.
    """
    wanted = {row.prompt for row in logs[-1].rows}
    for earlier in logs[:-1]:
        prompt = next((row.prompt for row in earlier.rows if row.prompt in wanted), None)
        if prompt is not None:
            then, now = (_reply_to(prompt, log) for log in (earlier, logs[-1]))
            return (_sample("at first", earlier.step, then), _sample("now", logs[-1].step, now))
    return ()


def _reply_to(prompt: str, log: Completions) -> MeasuredCompletion:
    return next(row for row in measure(log) if row.completion.prompt == prompt)


def _sample(why: str, step: int, row: MeasuredCompletion) -> Sample:
    completion = row.completion
    return Sample(
        why=why,
        step=step,
        prompt=beginning(completion.prompt, LONGEST_PROMPT),
        completion=beginning(completion.completion, LONGEST_COMPLETION),
        reward=row.reward,
        rewards=tuple(completion.rewards.items()),
        advantage=completion.advantage,
        length=completion.length,
        truncated=completion.truncated,
        words=row.words,
        repetition=row.repetition,
    )


SECTION = Section(title="Generations", order=40, build=build, template="generations")
