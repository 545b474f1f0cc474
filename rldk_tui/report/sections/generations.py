"""What the model wrote: the best, the worst and the longest of the last log, and one prompt at its first and last."""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.analysis.generations import MeasuredCompletion, measure, why_none, worst_first
from rldk_tui.events import Completions
from rldk_tui.report.sections import Section
from rldk_tui.session import RunHealth

LONGEST_PROMPT = 600
LONGEST_COMPLETION = 1500
"""Characters shown of a text; how many more there are is said."""


@dataclass(frozen=True, slots=True)
class Text:
    """The beginning of a text and how many characters follow."""

    shown: str
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One generation.

    Attributes:
        why: Why it is shown.
        reward: The sum of its rewards; None if nobody could score it.
        rewards: Each reward function's.
        length: In tokens, where the trainer said so.
        repetition: Share of repeated 4-grams of words.
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


@dataclass(frozen=True, slots=True)
class Generations:
    """Samples of the run.

    Attributes:
        step: The last step whose generations were logged; None without any.
        steps, rows: How many steps and generations were logged.
        samples: Of that step.
        then_and_now: One prompt at its first and its last log; empty if no prompt came twice.
        missing: Why there are none and how to get some.
    """

    step: int | None
    steps: int
    rows: int
    samples: tuple[Sample, ...]
    then_and_now: tuple[Sample, ...]
    missing: str | None = None


def build(health: RunHealth) -> Generations | None:
    """None for trainers that sample nothing; without a log the section says how to get one."""
    logs = [log for log in health.snapshot.completions if log.rows]
    if not logs:
        algorithm = health.snapshot.info.algorithm
        missing = why_none(algorithm)
        return None if missing is None else Generations(None, 0, 0, (), (), missing)
    on_record = [logged for logged in health.snapshot.generations if logged.count]
    last = logs[-1]
    return Generations(
        step=last.step,
        steps=len(on_record),
        rows=sum(logged.count for logged in on_record),
        samples=_extremes(last),
        then_and_now=_then_and_now(logs),
    )


def _extremes(log: Completions) -> tuple[Sample, ...]:
    measured = measure(log)
    scored = [row for row in worst_first(measured) if row.reward is not None]
    longest = max(measured, key=_length)
    if not scored:
        chosen = [("longest", longest)]
    elif scored[0].reward == scored[-1].reward:
        chosen = [("all rewards equal", scored[0]), ("longest", longest)]
    else:
        chosen = [("best reward", scored[-1]), ("worst reward", scored[0]), ("longest", longest)]
    unscored = [("no reward", row) for row in measured if row.reward is None][: 1 if scored else 0]
    seen: dict[int, Sample] = {}
    for why, row in [*chosen, *unscored]:
        known = seen.get(id(row))
        seen[id(row)] = _sample(why if known is None else f"{known.why}, {why}", log.step, row)
    return tuple(seen.values())


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
        prompt=_text(completion.prompt, LONGEST_PROMPT),
        completion=_text(completion.completion, LONGEST_COMPLETION),
        reward=row.reward,
        rewards=tuple(completion.rewards.items()),
        advantage=completion.advantage,
        length=completion.length,
        truncated=completion.truncated,
        words=row.words,
        repetition=row.repetition,
    )


def _text(text: str, most: int) -> Text:
    return Text(text[:most], max(0, len(text) - most))


SECTION = Section(title="Generations", order=40, build=build, template="generations")
