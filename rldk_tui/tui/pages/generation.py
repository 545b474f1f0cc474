"""One completion in full: its rewards, its prompt and its text as the log has them."""

from __future__ import annotations

from rldk_tui.analysis.generations import total_reward
from rldk_tui.charts.format import count, number
from rldk_tui.charts.text import lines
from rldk_tui.events import Completion, Completions
from rldk_tui.tui.cells import Box, Line, Page, Span, Tone, line, wrapped

_MOST = 20_000
"""Characters of a text that are shown."""


def length_of(row: Completion) -> str:
    """Its length in tokens where the trainer said so, else in characters."""
    return f"{count(row.length)} tok" if row.length is not None else f"{count(len(row.completion))} char"


def generation_page(completions: Completions, index: int) -> Page:
    """The page of one row."""
    row = completions.rows[index]
    key = f"generation:{completions.phase.value}:{completions.step}:{index}"
    title = f"Completion {index + 1} of {len(completions.rows)}, step {count(completions.step)}"
    return Page(key, title, lambda _view, box: _draw(row, box))


def _draw(row: Completion, box: Box) -> tuple[Line, ...]:
    facts = [line(Span("reward      ", Tone.DIM), Span(number(total_reward(row), 4), Tone.STRONG))]
    if len(row.rewards) > 1 or total_reward(row) is None:
        facts += [
            line(Span("            ", Tone.DIM), f"{name} {'None' if value is None else number(value, 4)}")
            for name, value in row.rewards.items()
        ]
    if row.advantage is not None:
        facts.append(line(Span("advantage   ", Tone.DIM), number(row.advantage, 4)))
    cut_off = Span("  ✂ cut off before it ended", Tone.WARNING) if row.truncated else Span("")
    facts.append(line(Span("length      ", Tone.DIM), length_of(row), cut_off))
    return (
        *facts,
        line(),
        line(Span("Prompt", Tone.ACCENT)),
        *_text(row.prompt, box.width, Tone.DIM),
        line(),
        line(Span("Completion", Tone.ACCENT)),
        *_text(row.completion, box.width, Tone.PLAIN),
    )


def _text(text: str, width: int, tone: Tone) -> list[Line]:
    if not text:
        return [line(Span("(empty)", Tone.DIM))]
    return [row for paragraph in lines(text, _MOST) for row in wrapped(paragraph, width, tone)]
