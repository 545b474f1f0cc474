"""Terminals that have few signs: nothing but ASCII is written to them, whatever is opened."""

from __future__ import annotations

import pytest

from rldk_tui.tui.app import MonitorApp
from rldk_tui.tui.cells import Tone
from rldk_tui.tui.key_line import key_line
from rldk_tui.tui.messages import HealthUpdated
from rldk_tui.tui.terminal import ascii_only, mouse_costs_escape
from tests.tui.conftest import Settled
from tests.tui.runs import full_view

_KEYS = ("ctrl+p", "escape", "question_mark", "escape", "5", "escape", "slash", "enter", "S", "n", "s", "slash", "escape")


def on_screen(app: MonitorApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def test_screens_the_palette_and_messages_are_ascii(settled: Settled) -> None:
    app = MonitorApp(ascii=True)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.post_message(HealthUpdated(full_view()))
        await settled(pilot)
        app.notify("→ written …", title="✂")
        for key in _KEYS:
            await pilot.press(key)
            await pilot.pause()
            odd = {char for char in on_screen(app) if not char.isascii()}
            assert not odd, f"after {key}: {odd}"


@pytest.mark.parametrize(
    ("environment", "plain"),
    [
        ({"TERM": "linux"}, True),
        ({"TERM": "vt220"}, True),
        ({"LC_ALL": "C"}, True),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "vte-256color"}, False),
    ],
)
def test_what_a_terminal_can_show_is_told_by_its_name_and_the_locale(
    environment: dict[str, str], plain: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("TERM", "LC_ALL", "STY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with capsys.disabled():
        monkeypatch.setattr("sys.stdout", type("Out", (), {"encoding": "utf-8"})())
        assert ascii_only() is plain
    assert not mouse_costs_escape()
    monkeypatch.setenv("STY", "1.pts")
    assert mouse_costs_escape()


@pytest.mark.parametrize("width", range(10, 80, 7))
def test_keys_are_left_out_whole_and_help_last(width: int) -> None:
    keys = (("Esc", "back"), ("⏎", "open"), ("/", "search"), ("?", "help"))
    shown = key_line(keys, width)
    assert shown.width <= max(width, key_line(keys[-1:]).width)
    assert "? help" in shown.text
    named = [span.text for span in shown.spans if span.tone is Tone.ACCENT]
    assert named == [key for key, _ in keys[: len(named) - 1]] + ["?"]
