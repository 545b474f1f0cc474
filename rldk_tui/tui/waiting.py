"""What is shown before there is anything to show, and what to do when nothing ever comes."""

from __future__ import annotations

from rldk_tui.charts.format import age
from rldk_tui.tui.cells import Box, Line, Span, Tone, line, wrapped

_CALLBACK = (
    "from rldk_tui.integrations.trl import RLDKCallback",
    "trainer = GRPOTrainer(..., callbacks=[RLDKCallback()])",
)
_STOCK = 'GRPOConfig(..., report_to="tensorboard", logging_steps=1, log_completions=True)'


def draw_waiting(title: str, seconds: float | None, box: Box) -> tuple[Line, ...]:
    """The screen of a run that is not there yet; `seconds` is how long it has been waited for, None before the first look."""
    if seconds is None:
        return (line(Span(f"reading {title} …", Tone.STRONG)),)
    waited = f" {age(seconds)}" if seconds >= 2 else ""
    return (
        line(Span(f"○ waiting{waited}", Tone.ACCENT), f" for {title} to appear, or for a log in it"),
        line(),
        *nothing_to_follow(box, "Is the training running already? Then it writes nothing that can be followed."),
    )


def nothing_to_follow(box: Box, why: str) -> tuple[Line, ...]:
    """The lines to add to a training that leaves nothing to tail."""
    return (
        *wrapped(why, box.width),
        line(),
        line(Span("Add this to the training:", Tone.DIM)),
        *(line(Span(f"    {code}", Tone.STRONG)) for code in _CALLBACK),
        line(),
        line(Span("or, without RLDK in the training environment:", Tone.DIM)),
        line(Span(f"    {_STOCK}", Tone.STRONG)),
    )
