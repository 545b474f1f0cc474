"""The completions behind a finding: those it names, or those logged while it lasted."""

from __future__ import annotations

from itertools import islice

from rldk_tui.charts.format import NOTHING, count, number
from rldk_tui.charts.text import one_line
from rldk_tui.events import Completions, Finding, Phase, ReadProblem
from rldk_tui.run import LoggedGenerations
from rldk_tui.tui.cells import Box, Line, Page, Span, Tone, left, line, right, wrapped
from rldk_tui.tui.pages.generation import generation_page, length_of
from rldk_tui.tui.view import View

_MOST, _MOST_STEPS = 8, 5
"""Completions, tensors or steps that are listed."""
_REWARD, _LENGTH, _STEP = 7, 10, 11


def exact_evidence(finding: Finding, view: View, box: Box) -> list[Line]:
    """Lines that open what the finding is about; none where it is about no samples and none were logged."""
    if finding.evidence.rows:
        return _named(finding.evidence.rows, view, box)
    return _logged_meanwhile(finding, view, box)


def _named(names: tuple[str, ...], view: View, box: Box) -> list[Line]:
    """Samples by their step and row, and tensors by their name."""
    samples = [place for name in names if (place := _place(name)) is not None]
    tensors = [name for name in names if _place(name) is None]
    rows = []
    if samples:
        rows += [line(), line(Span(f"The completions it is about: {count(len(samples))}", Tone.ACCENT))]
        rows += [_sample(step, row, view, box) for step, row in samples[:_MOST]]
    if tensors:
        rows += [line(), line(Span(f"The tensors it is about: {count(len(tensors))}", Tone.ACCENT))]
        for name in tensors[:_MOST]:
            rows += wrapped(name, box.width, Tone.PLAIN, "  ")
    hidden = max(0, len(samples) - _MOST) + max(0, len(tensors) - _MOST)
    return [*rows, line(Span(f"  and {count(hidden)} more", Tone.DIM))] if hidden else rows


def _place(name: str) -> tuple[int, int] | None:
    step, slash, row = name.partition("/")
    return (int(step), int(row)) if slash and step.isdecimal() and row.isdecimal() else None


def _logged(view: View, step: int) -> LoggedGenerations | None:
    found = [known for known in view.health.snapshot.generations if known.step == step]
    return next((known for known in found if known.phase is Phase.TRAIN), found[0] if found else None)


def _held(view: View, step: int) -> Completions | None:
    return next(
        (event for event in view.health.snapshot.completions if event.step == step and event.phase is Phase.TRAIN), None
    )


def _sample(step: int, row: int, view: View, box: Box) -> Line:
    """A completion in one line; its text where it is in memory, else it is read when it is opened."""
    held = _held(view, step)
    where = Span(left(f"  step {count(step)}", _STEP), Tone.DIM)
    if held is not None and row < len(held.rows):
        known = held.rows[row]
        reward = known.total_reward
        facts = right(NOTHING if reward is None else number(reward), _REWARD) + " " + right(length_of(known), _LENGTH)
        room = max(8, box.width - _STEP - len(facts) - 5)
        text = left(one_line(known.completion[: 4 * room]), room).rstrip()
        return line(
            where, facts, Span(" ✂ " if known.truncated else "   ", Tone.WARNING), text, opens=generation_page(held, row)
        )
    if _logged(view, step) is None:
        return line(where, Span(f"row {count(row + 1)}, not on record any more", Tone.DIM))
    return line(where, f"row {count(row + 1)}", opens=_read_again(step, row))


def _read_again(step: int, row: int) -> Page:
    """The page of a completion whose text is not in memory: read from its file when it is opened."""
    kept: list[Completions | ReadProblem] = []

    def draw(view: View, box: Box) -> tuple[Line, ...]:
        if not kept:
            logged = _logged(view, step)
            missing = ReadProblem(source=f"step {step}", message="its completions are not on record any more")
            kept.append(missing if logged is None else view.health.generations(logged))
        found = kept[0]
        if isinstance(found, ReadProblem):
            return wrapped(f"{found.source}: {found.message}", box.width, Tone.WARNING)
        if row >= len(found.rows):
            return wrapped(
                f"Step {count(step)} has {count(len(found.rows))} completions on record, not {count(row + 1)}.", box.width
            )
        return generation_page(found, row).draw(view, box)

    return Page(f"read-again:{step}:{row}", f"Completion {row + 1}, step {count(step)}", draw)


def _logged_meanwhile(finding: Finding, view: View, box: Box) -> list[Line]:
    """The worst completion of each logged step from the finding's first to its last."""
    last = view.health.snapshot.step if finding.open else finding.last_step
    if finding.metric is None or last is None or finding.metric.startswith(("checkpoint/", "system/")):
        return []
    steps = [
        known.step
        for known in view.health.snapshot.generations
        if finding.first_step <= known.step <= last and known.phase is Phase.TRAIN and known.count
    ]
    if not steps:
        return []
    rows = [line(), line(Span("The worst completion of logged steps meanwhile", Tone.ACCENT))]
    for step in islice(reversed(steps), _MOST_STEPS):
        held = _held(view, step)
        worst = 0 if held is None else min(range(len(held.rows)), key=lambda at: _badness(held, at), default=0)
        rows.append(_sample(step, worst, view, box))
    if len(steps) > _MOST_STEPS:
        rows.append(line(Span(f"  and {count(len(steps) - _MOST_STEPS)} earlier steps (3: all of them)", Tone.DIM)))
    return rows


def _badness(held: Completions, at: int) -> float:
    reward = held.rows[at].total_reward
    return float("-inf") if reward is None else reward
