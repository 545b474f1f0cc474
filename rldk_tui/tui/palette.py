"""Everything by name: screens, deeds, metrics and findings of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from rldk_tui.charts.text import one_line
from rldk_tui.metrics import title
from rldk_tui.tui.metric_order import metrics_in_order
from rldk_tui.tui.pages.finding import finding_page
from rldk_tui.tui.pages.metric_card import metric_card, metric_page

if TYPE_CHECKING:
    from rldk_tui.tui.app import MonitorApp

_MOST_NAME = 80
_OWN = frozenset({"hold", "quit"})
"""What the app does itself."""
_DEEDS = (
    ("Not evaluated: what is not known of the run", "not_evaluated"),
    ("Generations: all of them, sorted and searched", "generations"),
    ("Checkpoints", "checkpoints"),
    ("Config: settings, versions, hardware", "config"),
    ("Learning signal: what of the work taught nothing", "learning"),
    ("Write the health report", "report"),
    ("Export the metrics as CSV", "export"),
    ("Copy what is on the screen", "copy"),
    ("Hold the screen, or go on", "hold"),
    ("Ask the training to save and to stop", "safe_stop"),
    ("Next colours", "next_theme"),
    ("Keys and signs", "help"),
    ("Quit", "quit"),
)


class RunPalette(CommandPalette):
    """Textual's palette without its magnifying glass, which many terminal fonts lack; in ASCII alone where that is wanted."""

    DEFAULT_CSS = """
    RunPalette SearchIcon { display: none; }
    RunPalette.ascii #--input { border: ascii $border; }
    RunPalette.ascii #--input.--list-visible { border-bottom: none; }
    RunPalette.ascii CommandList { border: none; scrollbar-size: 0 0; }
    RunPalette.ascii LoadingIndicator { display: none; }
    """

    def __init__(self, *, ascii: bool) -> None:  # noqa: A002
        super().__init__(placeholder="a metric, a finding, something to do", id="--command-palette")
        self.set_class(ascii, "ascii")


class RunCommands(Provider):
    """What can be typed after ctrl+p. Text of the run is shown as text and never as markup."""

    def _everything(self) -> Iterator[tuple[str, Callable[[], object]]]:
        app = cast("MonitorApp", self.app)
        for name, action in _DEEDS:
            yield name, partial(self._act, action)
        view = app.view
        if view is None or app.desk is None:
            return
        opened = app.desk.open
        for finding in view.health.findings:
            yield f"Finding: {finding.rule} since step {finding.first_step}", partial(opened, finding_page(finding))
        for name in metrics_in_order(view):
            called = title(name) if title(name) == name else f"{title(name)} ({name})"
            if name in view.metrics:
                yield f"Chart: {one_line(called, _MOST_NAME)}", partial(opened, metric_page(name))
            yield f"Is this normal? {one_line(called, _MOST_NAME)}", partial(opened, metric_card(name))

    async def _act(self, action: str) -> None:
        await self.app.run_action(action if action in _OWN else f"do('{action}')")

    async def discover(self) -> Hits:
        """What is offered before anything is typed."""
        for name, callback in self._everything():
            if not name.startswith("Is this normal?"):
                yield DiscoveryHit(Content(name), callback, text=name)

    async def search(self, query: str) -> Hits:
        """What fits what was typed."""
        matcher = self.matcher(query)
        for name, callback in self._everything():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), callback, text=name)
