"""One checkpoint: what is recorded of it. The table of its tensors comes below."""

from __future__ import annotations

from rldk_tui.analysis.saved_checkpoints import CheckpointState, RecordedIssue, SavedCheckpoint
from rldk_tui.charts.format import count, number, size
from rldk_tui.charts.severity import SEVERITY_GLYPHS
from rldk_tui.metrics import CATALOGUE, lookup
from rldk_tui.tui.cells import Box, Line, Page, Span, Tone, cut, line, wrapped
from rldk_tui.tui.tones import SEVERITY_TONES, health_tone
from rldk_tui.tui.view import View

_KEY = "checkpoint "
_TOLD_ABOVE = frozenset(
    f"checkpoint/{name}" for name in ("health", "issues", "usable", "drift_previous", "drift_first", "steps_since")
)
_MOST_NAMED = 3
_STATES = {
    CheckpointState.NOT_ANALYSED: "It is not analysed yet: a, in the list, measures it into the run's log.",
    CheckpointState.UNFINISHED: "The file that is written last is not there: it is being written, or its writer died.",
    CheckpointState.UNREADABLE: "Some of its files may not be read by this user: the Trainer writes weights for its own user "
    "alone (mode 0600). Open the monitor as that user.",
    CheckpointState.DELETED: "Its files are gone (the Trainer keeps the newest save_total_limit); what was measured stays.",
}


def checkpoint_page(step: int) -> Page:
    """The page behind a line of the list."""
    return Page(f"{_KEY}{step}", f"Checkpoint of step {count(step)}", lambda view, box: _draw(view, box, step))


def step_of(page: Page) -> int:
    """The step of the checkpoint a page is about."""
    return int(page.key.removeprefix(_KEY))


def row_at(view: View, step: int) -> SavedCheckpoint | None:
    """What is recorded of the checkpoint of this step."""
    return next((row for row in view.checkpoints.rows if row.step == step), None)


def _draw(view: View, box: Box, step: int) -> tuple[Line, ...]:
    row = row_at(view, step)
    if row is None:
        return wrapped("Nothing is known of it any more.", box.width, Tone.DIM)
    rows = [_facts(row, box), *_where(row, box), *_drift(row, box)]
    if row.state in _STATES:
        rows += wrapped(_STATES[row.state], box.width, Tone.WARNING)
    choice = view.checkpoints.choice
    if choice is not None and choice.step == step:
        rows += wrapped(f"Keep this one: {'; '.join(choice.reasons)}.", box.width, Tone.GOOD)
    for issue in row.told:
        rows += _issue(issue, box)
    unsaid = (row.issues or 0) - len(row.told)
    rows += [line(Span(f"and {count(unsaid)} more issues", Tone.DIM))] if unsaid > 0 else []
    if row.state in {CheckpointState.DELETED, CheckpointState.UNREADABLE} and row.analysed:
        rows += _recorded(view, box, step)
    return tuple(rows)


def _facts(row: SavedCheckpoint, box: Box) -> Line:
    health = "not graded" if row.health is None else f"{row.health:.2f}"
    parts = [f"{size(row.size)}"] if row.size is not None else []
    parts += [f"reward {number(row.beside.reward)}"] if row.beside.reward is not None else []
    parts += [f"KL {number(row.beside.kl)}"] if row.beside.kl is not None else []
    parts += [f"evaluation {number(row.beside.evaluation)}"] if row.beside.evaluation is not None else []
    return cut(
        line(
            Span("health ", Tone.DIM),
            Span(health if row.analysed else "not analysed", health_tone(row.health)),
            "   ",
            " · ".join(parts),
        ),
        box.width,
    )


def _where(row: SavedCheckpoint, box: Box) -> tuple[Line, ...]:
    return () if row.path is None else wrapped(row.path[:_LONGEST], box.width, Tone.DIM)


_LONGEST = 2000


def _drift(row: SavedCheckpoint, box: Box) -> tuple[Line, ...]:
    parts = []
    if row.since_previous is not None:
        since = "" if row.steps_since is None else f", {count(row.steps_since)} steps earlier"
        parts.append(f"{number(100 * row.since_previous)} % from the checkpoint before{since}")
    if row.since_first is not None:
        parts.append(f"{number(100 * row.since_first)} % from the first")
    return wrapped(f"drift: {'; '.join(parts)}", box.width) if parts else ()


def _issue(issue: RecordedIssue, box: Box) -> list[Line]:
    if issue.severity is None:
        return list(wrapped(issue.message, box.width))
    tone = SEVERITY_TONES[issue.severity]
    head = line(Span(f"{SEVERITY_GLYPHS[issue.severity]} {issue.severity.value}", tone), Span(f"  {issue.rule}", Tone.STRONG))
    return [cut(head, box.width), *wrapped(issue.message, box.width, indent="  ")]


def _recorded(view: View, box: Box, step: int) -> list[Line]:
    """Every figure the log has of it, with the tensors it is about."""
    rows: list[Line] = []
    for metric in CATALOGUE:
        if not metric.name.startswith("checkpoint/") or metric.name in _TOLD_ABOVE:
            continue
        series = view.health.snapshot.series(metric.name, first=step, last=step)
        if len(series):
            names = _named(view, metric.name, step)
            about = f" ({', '.join(names[:_MOST_NAMED])}{' …' if len(names) > _MOST_NAMED else ''})" if names else ""
            rows += wrapped(f"{lookup(metric.name).title}: {number(series.latest)}{about}", box.width, indent="  ")
    return [line(), line(Span("Measured on it", Tone.ACCENT)), *rows] if rows else []


def _named(view: View, metric: str, step: int) -> tuple[str, ...]:
    found: tuple[str, ...] = ()
    for segment in view.health.snapshot.segments:
        found = segment.named.get(metric, {}).get(step, found)
    return tuple(name[:200] for name in found)
