"""A comparison and a gate in words, for a terminal or a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from rldk_tui.charts.format import count, number, signed
from rldk_tui.charts.text import one_line
from rldk_tui.comparison.alignment import Axis
from rldk_tui.comparison.compare import Comparison, Pair
from rldk_tui.comparison.gate import Gate
from rldk_tui.comparison.judgement import Judgement, Outcome
from rldk_tui.events import Json, Severity
from rldk_tui.metrics import title
from rldk_tui.session import RunHealth

ONE_RUN_EACH = "One run each: this says whether these curves differ, not whether another seed would have gone the same way."
_LONGEST, _MOST = 60, 12
_REWARDS = frozenset({"reward_weights", "reward_funcs", "reward_model_path", "missing_eos_penalty", "scale_rewards"})
"""Settings with which a reward is no longer the same quantity."""


def told(first: RunHealth, pair: Pair) -> tuple[str, ...]:
    """Which is better and what to bear in mind, in a few sentences."""
    mine, other = one_line(first.snapshot.name, _LONGEST), one_line(pair.run.snapshot.name, _LONGEST)
    return (_verdict(mine, other, pair.aim), *_cautions(first, pair, mine, other))


def _verdict(mine: str, other: str, aim: Judgement | None) -> str:
    if aim is None:
        return f"Which of {mine} and {other} is better cannot be told: they log no metric in common that would say."
    name = title(aim.metric)
    if aim.difference is None or aim.low is None or aim.high is None:
        return (
            f"Which is better cannot be told: of {name} there are {count(aim.judged)} values in common at the end, too few "
            "that do not merely repeat their neighbours."
        )
    ends = f"it ends at {number(aim.second)} against {number(aim.first)}"
    by = f"{signed(aim.difference)}, 99 % interval {signed(aim.low)} to {signed(aim.high)}"
    if aim.outcome is Outcome.NOISE:
        return f"No difference beyond noise in {name.lower()} between {mine} and {other}: {ends} ({by})."
    how = "differs from" if aim.outcome is Outcome.DIFFERENT else f"is {aim.outcome.value} than"
    return f"By its {name.lower()}, {other} {how} {mine}: {ends} ({by})."


def _cautions(first: RunHealth, pair: Pair, mine: str, other: str) -> Iterator[str]:
    serious = (Severity.HIGH, Severity.CRITICAL)
    for name, run in ((mine, first), (other, pair.run)):
        rules = dict.fromkeys(finding.rule for finding in run.findings if finding.severity in serious)
        if rules:
            listed = ", ".join(list(rules)[:3]) + (f" and {len(rules) - 3} more" if len(rules) > 3 else "")
            yield f"{name} has serious findings ({listed}): its numbers may not mean what they say."
    changed = [one.name for one in pair.settings if one.name in _REWARDS]
    if changed and pair.aim is not None and "reward" in pair.aim.metric:
        yield f"The reward is not the same quantity in both: {', '.join(changed)} differs."


def as_text(comparison: Comparison) -> str:
    """For a terminal."""
    return "\n".join(_lines(comparison))


def _lines(comparison: Comparison) -> Iterator[str]:
    first = comparison.first
    for run in comparison.runs:
        score = "" if run.score.value is None else f" {run.score.value:.2f}"
        step = "" if run.snapshot.step is None else f", step {count(run.snapshot.step)}"
        yield f"{one_line(run.snapshot.name, _LONGEST)}  {run.snapshot.state.value}, {run.score.grade}{score}{step}"
    for pair in comparison.pairs:
        yield ""
        yield f"{one_line(first.snapshot.name, _LONGEST)} → {one_line(pair.run.snapshot.name, _LONGEST)}"
        for sentence in told(first, pair):
            yield f"  {sentence}"
        yield f"  {parting(pair)}"
        yield from _metric_lines(pair, comparison.axis)
        yield from _difference_lines("settings", [(one.name, one.first, one.second) for one in pair.settings])
        yield from _difference_lines("findings", [(one.name, one.first, one.second) for one in pair.findings])
    yield ""
    yield ONE_RUN_EACH


def parting(pair: Pair) -> str:
    """Where the logs first differ at all."""
    if pair.parted is None:
        return "Their logs are the same at every step that both logged."
    names = ", ".join(one_line(name, 40) for name in pair.parted.metrics[:4])
    more = f" and {len(pair.parted.metrics) - 4} more" if len(pair.parted.metrics) > 4 else ""
    return f"Their logs differ from step {count(pair.parted.step)} on ({names}{more})."


def _metric_lines(pair: Pair, axis: Axis) -> Iterator[str]:
    apart = [one for one in pair.metrics if one.outcome not in (Outcome.NOISE, Outcome.UNKNOWN)]
    if apart:
        yield "  differ by more than noise at the end:"
    for one in apart[:_MOST]:
        since = "" if one.since is None else f", since {axis.value} {count(round(one.since))}"
        change = f"{number(one.first)} → {number(one.second)}"
        yield f"    {one_line(title(one.metric), 36):36}  {change:24} {one.outcome.value}{since}"
    if len(apart) > _MOST:
        yield f"    and {len(apart) - _MOST} more: --json has them all"
    noise = sum(one.outcome is Outcome.NOISE for one in pair.metrics)
    unknown = sum(one.outcome is Outcome.UNKNOWN for one in pair.metrics)
    yield f"  {noise} within noise, {unknown} with too little in common to tell"


def _difference_lines(what: str, found: list[tuple[str, Json, Json]]) -> Iterator[str]:
    if found:
        yield f"  {what}:"
    for name, first, second in found[:_MOST]:
        yield f"    {one_line(name, 36):36}  {_shown(first)} → {_shown(second)}"
    if len(found) > _MOST:
        yield f"    and {len(found) - _MOST} more: --json has them all"


def _shown(value: Json) -> str:
    return "–" if value is None else one_line(f"{value:g}" if isinstance(value, float) else str(value), 40)


def gate_lines(found: Gate) -> Iterator[str]:
    """The answer of the gate, the reasons first."""
    name = one_line(found.baseline.snapshot.name, _LONGEST)
    yield f"{'not worse' if found.passed else 'WORSE'} than the baseline {name}"
    yield f"  {told(found.baseline, found.pair)[0]}"
    for rule in found.new:
        was = "not there" if rule.first is None else f"{rule.first}"
        yield f"  new finding  {rule.name}: {rule.second}, in the baseline {was}"
