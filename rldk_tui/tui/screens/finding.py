"""One finding, and from it to the next: what was found can be muted, copied and opened down to the completions."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding, BindingType

from rldk_tui.events import Finding
from rldk_tui.tui.pages.finding import finding_page, issue_text
from rldk_tui.tui.screens.page import PageScreen
from rldk_tui.tui.widgets.scroll_view import ScrollView

if TYPE_CHECKING:
    from rldk_tui.tui.app import MonitorApp


class FindingScreen(PageScreen):
    """The page of a finding, with keys of its own."""

    keys = (
        ("Esc", "back"), ("↑ ↓", "scroll"), ("⏎", "open"), ("[ ]", "other findings"), ("m", "mute"), ("c", "copy"),
        ("/", "search"), ("?", "help"),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "other(-1)", show=False),
        Binding("right_square_bracket", "other(1)", show=False),
        Binding("m", "mute", show=False),
    ]

    def _finding(self) -> Finding | None:
        return next((one for one in self._view.health.findings if finding_page(one) == self.page), None)

    def action_other(self, by: int) -> None:
        """The next or the previous finding, the worst first."""
        findings = self._view.health.findings
        here = self._finding()
        if findings:
            at = findings.index(here) if here is not None else -1
            self.page = finding_page(findings[(at + by) % len(findings)])
            self.query_one("#page", ScrollView).to_top()
            self.draw()

    def action_mute(self) -> None:
        """Do not want to hear of this rule, or want to again."""
        here = self._finding()
        if here is not None:
            desk = cast("MonitorApp", self.app).desk
            muted = desk is not None and desk.mute(here.rule)
            told = "is listed last and rings no bell; m again has it heard" if muted else "is heard again"
            self.notify(f"{here.rule} {told}.", markup=False)

    def as_text(self) -> str:
        """A block of text for an issue."""
        here = self._finding()
        return super().as_text() if here is None else issue_text(here, self._view)
