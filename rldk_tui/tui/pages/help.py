"""Keys and signs, on one page."""

from __future__ import annotations

from rldk_tui.charts.severity import SEVERITY_GLYPHS
from rldk_tui.events import Severity
from rldk_tui.tui.cells import Box, Line, Page, Span, Tone, left, line, wrapped
from rldk_tui.tui.panels import load_panels
from rldk_tui.tui.tones import SEVERITY_TONES
from rldk_tui.tui.view import View

_KEY = 16
KEYS = (
    ("↑ ↓ j k", "move; PgUp, PgDn, g and G move further"),
    ("Tab h l ← →", "the next or the previous panel"),
    ("⏎", "open the line: a finding, a completion, what is known of the reward"),
    ("Esc", "back"),
    ("0", "all panels again; on a chart, the whole run"),
    ("M", "the panel with the cursor on the whole screen, and back"),
    ("/ n N", "filter a panel, search a page; the next and the previous place"),
    ("i", "is this normal? what the metric is, its unit, what it is mistaken for"),
    ("s", "all generations in memory: s sorts, / searches, v its group, p its prompt over the steps, d the difference"),
    ("w", "what share of the sampled work taught nothing"),
    ("u", "what could not be evaluated, and why"),
    ("r", "write the health report (rldk report)"),
    ("e", "export the metrics as CSV into the working directory"),
    ("c", "copy what is on the screen: to the clipboard and to a file"),
    ("S", "ask the training to save a checkpoint and to stop, once confirmed"),
    ("Space", "hold the screen still, and go on; a replay pauses"),
    ("< >", "back and forth in a replay, a tenth of the run"),
    ("t", "next colours: dark, light, for colour-blind eyes, the terminal's own"),
    ("ctrl+p", "everything by name: metrics, findings, commands"),
    ("ctrl+z", "to the shell; fg comes back"),
    ("q ctrl+c", "quit; the training is never touched"),
)
_SCREENS = (
    ("4", "checkpoints: Space marks two, c compares them, a analyses, x cancels, ⏎ all tensors"),
    ("5", "config: risky settings, what is set otherwise than by default, versions, hardware"),
)
_SIGNS = (
    ("▲ ▼ ─", "rise, fall or no clear trend over the last 100 logs (or as many as the column says)"),
    ("× ○", "in a chart: NaN or infinity was logged here, None was logged here"),
    ("✖ > 0.5", "the latest value is outside the band that is normal for this trainer"),
    ("−20 st.", "the metric was last logged so many steps ago: it has stopped arriving"),
    ("✂", "the completion was cut off before it ended"),
    ("grade with ?", "too little was measured to be sure of the grade; coverage says how much"),
)


def help_page(own: tuple[tuple[str, str], ...] = ()) -> Page:
    """The page behind `?`, the keys of the screen it was asked on first."""

    def draw(_view: View, box: Box) -> tuple[Line, ...]:
        here = [
            line(Span("On this screen", Tone.ACCENT)),
            *(row for keys, does in own for row in _entry(keys, does, box)),
            line(),
        ]
        return (*(here if own else ()), *help_lines(box))

    return Page("help", "Help", draw)


def help_lines(box: Box) -> tuple[Line, ...]:
    """The page; it needs no run."""
    digits = (*((panel.key, f"{panel.name} on the whole screen") for panel in load_panels()), *_SCREENS)
    rows = [line(Span("Keys", Tone.ACCENT))]
    for keys, meaning in (*KEYS[:4], *sorted(digits), *KEYS[4:]):
        rows += _entry(keys, meaning, box)
    rows += [line(), line(Span("Signs", Tone.ACCENT))]
    rows.append(line(*(part for severity in reversed(Severity) for part in ("  ", _signed(severity)))))
    for sign, meaning in _SIGNS:
        rows += _entry(sign, meaning, box)
    return tuple(rows)


def _signed(severity: Severity) -> Span:
    return Span(f"{SEVERITY_GLYPHS[severity]} {severity.value}", SEVERITY_TONES[severity])


def _entry(sign: str, meaning: str, box: Box) -> list[Line]:
    first, *more = wrapped(meaning, box.width - _KEY - 2)
    rows = [Line((Span("  " + left(sign, _KEY), Tone.STRONG), *first.spans))]
    return [*rows, *(Line((Span(" " * (_KEY + 2)), *row.spans)) for row in more)]
