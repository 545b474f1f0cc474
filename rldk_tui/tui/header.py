"""The lines above the panels: which run, is it alive, how far is it, how well."""

from __future__ import annotations

from rldk_tui.charts.format import age, count, duration, number, percent
from rldk_tui.charts.text import one_line
from rldk_tui.events import RunState
from rldk_tui.scoring import Score
from rldk_tui.tui.cells import Box, Line, Span, Tone, cut, line, spread
from rldk_tui.tui.tones import STATE_GLYPHS, STATE_TONES
from rldk_tui.tui.view import View

_BAR = 10
_MOST_NAME = 60
_RUNNING = frozenset({RunState.LIVE, RunState.SLOW})
_GRADE_TONES = {"A": Tone.GOOD, "B": Tone.GOOD, "C": Tone.WARNING, "D": Tone.HIGH, "F": Tone.CRITICAL}


def draw_header(view: View, box: Box) -> tuple[Line, ...]:
    """Two lines where there is room for them, else three."""
    state, progress, pace, health = state_line(view), progress_line(view), _pace(view), health_line(view)
    together = line(*state.spans, "   ", *progress.spans)
    who = _identity(view, box.width)
    if who.width + together.width + 3 <= box.width:
        return (spread(who, together, box.width), spread(health, pace, box.width))
    who = _identity(view, box.width - state.width - 2)
    return (spread(who, state, box.width), spread(progress, pace, box.width), cut(health, box.width))


def _identity(view: View, room: int) -> Line:
    """The run's name and as many facts about it as there is room for, the telling ones first."""
    snapshot = view.health.snapshot
    info = snapshot.info
    facts = [
        info.algorithm.value.upper().replace("_", " ") if info.algorithm else info.trainer,
        info.model.rstrip("/").rsplit("/", 1)[-1] if info.model else None,
        f"trl {info.versions['trl']}" if "trl" in info.versions else None,
        f"seed {info.seed}" if info.seed is not None else None,
        f"{count(info.world_size)} processes" if info.world_size > 1 else None,
        f"launch {len(snapshot.segments)}" if len(snapshot.segments) > 1 else None,
    ]
    name = Span(one_line(snapshot.name, _MOST_NAME), Tone.STRONG)
    known = [one_line(fact, _MOST_NAME) for fact in facts if fact]
    while known and name.width + 3 + Span(" · ".join(known)).width > room:
        known.pop()
    return line(name, "   ", " · ".join(known))


def state_line(view: View) -> Line:
    """What the run is doing, and when it was last heard of."""
    snapshot = view.health.snapshot
    if view.gone:
        return line(Span("✖ DIRECTORY GONE", Tone.CRITICAL), Span(" showing what was last known", Tone.DIM))
    state = Span(f"{STATE_GLYPHS[snapshot.state]} {snapshot.state.value.upper()}", STATE_TONES[snapshot.state])
    if snapshot.last_event_at is None:
        return line(state)
    ago = age(max(0.0, snapshot.taken_at - snapshot.last_event_at))
    if snapshot.state in _RUNNING or snapshot.state is RunState.FINISHED:
        return line(state, f" {ago} ago")
    return line(state, f" last sign {ago} ago")


def progress_line(view: View) -> Line:
    """The step, of how many, and when the last one will come."""
    snapshot = view.health.snapshot
    step, last = snapshot.step, snapshot.info.max_steps
    if step is None:
        return line(Span("no step yet", Tone.DIM))
    if not last or last <= 0:
        return line(f"step {count(step)}")
    share = min(1.0, step / last)
    lit = int(_BAR * share)
    parts: list[str | Span] = [
        f"step {count(step)} / {count(last)} ",
        Span("█" * lit, Tone.ACCENT),
        Span("░" * (_BAR - lit), Tone.DIM),
        f" {percent(share)}",
    ]
    if snapshot.state in _RUNNING and snapshot.step_seconds and step < last:
        parts.append(f"   ETA {duration((last - step) * snapshot.step_seconds)}")
    return line(*parts)


def health_line(view: View) -> Line:
    """The grade, what bounds it, and how much of what should be judged was judged."""
    score = view.health.score
    if score.value is None:
        grade = [Span(score.grade, Tone.DIM)]
    else:
        tone = _GRADE_TONES.get(score.grade[:1], Tone.PLAIN)
        grade = [Span(f"{score.grade} ", tone), Span(f"{score.value:.2f}", tone)]
    parts: list[str | Span] = [Span("health  ", Tone.DIM), *grade]
    if score.caps:
        parts.append(f"   capped by {score.caps[0].reason}")
    elif score.value is not None and (weak := _weakest(score)):
        parts.append(f"   weakest: {weak}")
    covered = "nothing could be judged" if score.coverage is None else f"coverage {percent(score.coverage)}"
    parts.append(Span(f"   {covered}", Tone.DIM))
    return line(*parts)


def _weakest(score: Score) -> str:
    """The dimension with the lowest score, where any is below full."""
    known = {dimension: value for dimension, value in score.dimensions.items() if value is not None}
    name = min(known, key=known.__getitem__, default=None)
    return "" if name is None or known[name] >= 1.0 else f"{name.value} {known[name]:.2f}"


def _pace(view: View) -> Line:
    seconds = view.health.snapshot.step_seconds
    parts = [f"{duration(seconds)}/step"] if seconds else []
    tokens = view.metrics.get("num_tokens")
    if tokens is not None and tokens.pace is not None and tokens.pace > 0:
        parts.append(f"{number(tokens.pace)} tok/s")
    return line(Span(" · ".join(parts), Tone.DIM))
